// A day of samples at 10 s in a DuckDB file, and how long it takes DuckDB to sum it.
//
//   duckdb.cjs FILE AGENTS
//
// makes the file, says "ready", and answers each line of its input, count or lead,
// with milliseconds and rows. Samples are as a recorder stores them: by rounds spread
// over 8 s, states that last 156 s, one poll in a hundred failed.
const { DuckDBInstance } = require("@duckdb/node-api");
const { createInterface } = require("node:readline");

const [file, agents] = process.argv.slice(2);
const samples = `
  CREATE TABLE samples AS
  SELECT make_timestamp((1763942400000 + tick * 10000 + agent * 8000 // ${agents} + (hash(agent, tick) % 50)::BIGINT) * 1000) AS polled_at,
         (100 + agent)::INTEGER AS agent_id,
         10000::INTEGER AS period_ms,
         CASE WHEN NOT failed THEN [4, 4, 7, 7, 7, 7, 5, 3, 8, 2][1 + state] END::SMALLINT AS agent_state,
         CASE WHEN NOT failed THEN state BETWEEN 3 AND 5 END AS is_working,
         CASE WHEN failed THEN 'gateway_error' ELSE 'observed' END::ENUM ('observed', 'gateway_error') AS outcome
  FROM (
    SELECT tick, agent, (hash(agent, (tick * 10 + agent % 156) // 156) % 10)::INTEGER AS state, hash(tick, agent, 1) % 100 = 0 AS failed
    FROM generate_series(0, 8639) AS t (tick), generate_series(1, ${agents}) AS a (agent)
    ORDER BY tick, agent
  )`;
const queries = {
  // What each agent was seen in, without asking for how long.
  count: "SELECT agent_id, agent_state, is_working, count(*) FROM samples GROUP BY ALL",
  lead: `
    SELECT agent_id, agent_state, is_working, sum(epoch_ms(next_at) - epoch_ms(polled_at))
    FROM (SELECT *, lead(polled_at) OVER (PARTITION BY agent_id ORDER BY polled_at) AS next_at FROM samples)
    GROUP BY ALL`,
};

async function main() {
  const connection = await (await DuckDBInstance.create(file)).connect();
  await connection.run(samples);
  await connection.run("CHECKPOINT");
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const began = process.hrtime.bigint();
    const rows = await connection.runAndReadAll(queries[line]);
    console.log(Number(process.hrtime.bigint() - began) / 1e6, rows.currentRowCount);
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
