#!/bin/sh
# ODBC by isql: the way of Excel, Power BI and Tableau.
#
#   odbc.sh columns      every column of bi_v1: view, name, type
#   odbc.sh rows QUERY   the rows, fields apart by tabs
#
# An ODBC timestamp has no offset: the driver gives the session's local time, so
# the session's zone is set. isql describes only what is on the search path.
set -eu
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cat >"$folder/odbc.ini" <<END
[talktime]
Driver = PostgreSQL Unicode
Servername = $PGHOST
Port = $PGPORT
Database = $PGDATABASE
Username = $PGUSER
Password = $PGPASSWORD
SSLmode = $PGSSLMODE
ConnSettings = SET search_path = bi_v1; SET TIME ZONE 'UTC'
END
export ODBCINI="$folder/odbc.ini"
isql_rows() { isql talktime -v -b -x0x09; }
case $1 in
columns)
  # help lists what SQLTables and SQLColumns of the driver tell.
  echo help | isql_rows | awk -F'\t' '$2 == "bi_v1" && $4 == "VIEW" {print $3}' | while read -r view; do
    echo "help $view" | isql_rows | awk -F'\t' -v OFS='\t' '$2 == "bi_v1" {print $3, $4, $6}'
  done
  ;;
rows) printf '%s\n' "$2" | isql_rows ;;
esac
