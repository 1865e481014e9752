# R: DBI with RPostgreSQL.
#
#   rpostgresql.R columns      every column of bi_v1: view, name, class in R
#   rpostgresql.R rows QUERY   the rows, fields apart by tabs, NULL as \N
#
# PG... of the environment say where.
suppressMessages(library(RPostgreSQL))
args <- commandArgs(trailingOnly = TRUE)
connection <- dbConnect(PostgreSQL(), host = Sys.getenv("PGHOST"), port = Sys.getenv("PGPORT"))
invisible(dbGetQuery(connection, "SET TIME ZONE 'UTC'"))

show <- function(data) write.table(data, sep = "\t", na = "\\N", quote = FALSE, row.names = FALSE, col.names = FALSE)

if (args[1] == "columns") {
  views <- dbGetQuery(connection, "SELECT table_name FROM information_schema.views WHERE table_schema = 'bi_v1' ORDER BY table_name")
  for (view in views$table_name) {
    empty <- dbSendQuery(connection, paste0("SELECT * FROM bi_v1.", view, " LIMIT 0"))
    columns <- dbColumnInfo(empty)
    invisible(dbClearResult(empty))
    show(data.frame(view, columns$name, columns$type))
  }
} else {
  data <- dbGetQuery(connection, args[2])
  written <- function(column) {
    if (inherits(column, "POSIXct")) return(ifelse(is.na(column), NA, format(column, "%Y-%m-%dT%H:%M:%OS3Z", tz = "UTC")))
    if (is.double(column) && !inherits(column, "Date")) return(ifelse(is.na(column), NA, format(column, digits = 15, trim = TRUE)))
    column
  }
  data[] <- lapply(data, written)
  show(data)
}
invisible(dbDisconnect(connection))
