// duckdb.mjs DIR: DuckDB's own similarities on DIR/pairs.csv, one thread. Prints a line
// a function, name and nanoseconds of processor time a pair over those of reading alone
// (the best of five), and leaves the figures in DIR/duckdb.csv.
import { createRequire } from 'node:module';
const dir = process.argv[2];
const { DuckDBInstance } = createRequire(`${dir}/`)('@duckdb/node-api');
const connection = await (await DuckDBInstance.create(':memory:')).connect();
await connection.run('SET threads = 1');
await connection.run(`CREATE TABLE pair AS SELECT * FROM read_csv('${dir}/pairs.csv', header = false, columns = {'no': 'INTEGER', 'a': 'VARCHAR', 'b': 'VARCHAR'})`);
const rows = Number((await connection.runAndReadAll('SELECT count(*) FROM pair')).getRows()[0][0]);

async function best(expression) {
	let least = Infinity;
	for (let turn = 0; turn < 5; turn++) {
		const start = process.cpuUsage();
		await connection.runAndReadAll(`SELECT sum(${expression}) FROM pair, range(20)`);
		const { user, system } = process.cpuUsage(start);
		least = Math.min(least, user + system);
	}
	return least * 1000 / rows / 20;
}

const empty = await best('no');
for (const name of ['jaro_winkler_similarity', 'damerau_levenshtein', 'jaccard'])
	console.log(`${name} ${await best(`${name}(a, b)`) - empty}`);
await connection.run(`COPY (SELECT no, jaro_similarity(a, b), jaro_winkler_similarity(a, b), damerau_levenshtein(a, b), jaccard(a, b) FROM pair ORDER BY no) TO '${dir}/duckdb.csv' (HEADER false)`);
