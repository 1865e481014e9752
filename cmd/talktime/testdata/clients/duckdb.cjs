// DuckDB on a report's CSV, as anyone reads it: nothing is said about the file.
//
//   duckdb.cjs version
//   duckdb.cjs columns FILE      every column and the type DuckDB finds
//   duckdb.cjs rows FILE QUERY   the rows of a query on the view report, fields apart by tabs
const { DuckDBInstance, version } = require("@duckdb/node-api");

async function main(what, file, query) {
  const connection = await (await DuckDBInstance.create()).connect();
  const rows = async (sql) => (await connection.runAndReadAll(sql)).getRowsJson();
  if (what === "version") {
    return [["DuckDB", version()]];
  }
  await connection.run(`CREATE VIEW report AS FROM '${file}'`);
  if (what === "columns") {
    return rows("SELECT column_name, column_type FROM (DESCRIBE report)");
  }
  return rows(query);
}

main(...process.argv.slice(2)).then(
  (rows) => rows.forEach((row) => console.log(row.map((field) => field ?? "\\N").join("\t"))),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
