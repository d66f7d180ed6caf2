// duck.mjs FILE.csv CLUSTERS.csv: what one writes in DuckDB's SQL for the same records, with
// its own Jaro-Winkler: blocks by equal keys, pairs by likeness, connected components.
// Prints the CPU seconds of it.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';

const require = createRequire(process.cwd() + '/build/bench/duck/');
const { DuckDBInstance } = require('@duckdb/node-api');
const [file, out] = process.argv.slice(2);
const begun = process.cpuUsage();
const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
await connection.run(`CREATE TABLE r AS SELECT * FROM read_csv('${file}', header = true, all_varchar = true)`);
const reader = await connection.runAndReadAll(`
SELECT DISTINCT l, r FROM (
    SELECT a.id AS l, b.id AS r FROM r a JOIN r b ON a.id < b.id AND right(regexp_replace(a.phone, '[^0-9]', '', 'g'), 11) = right(regexp_replace(b.phone, '[^0-9]', '', 'g'), 11)
     WHERE jaro_winkler_similarity(a.name, b.name) > 0.75
    UNION ALL
    SELECT a.id, b.id FROM r a JOIN r b ON a.id < b.id AND upper(a.id_number) = upper(b.id_number)
    UNION ALL
    SELECT a.id, b.id FROM r a JOIN r b ON a.id < b.id AND a.birth_date = b.birth_date
     WHERE jaro_winkler_similarity(a.name, b.name) > 0.75 AND (a.gender = b.gender OR a.gender IS NULL OR b.gender IS NULL)
    UNION ALL
    SELECT a.id, b.id FROM r a JOIN r b ON a.id < b.id AND lower(a.email) = lower(b.email)
     WHERE jaro_winkler_similarity(a.name, b.name) > 0.75)`);
const parent = new Map();
const root = (x) => { while (parent.has(x)) x = parent.get(x); return x; };
for (const [l, r] of reader.getRows()) {
	const a = root(l), b = root(r);
	if (a !== b) parent.set(a, b);
}
const ids = (await connection.runAndReadAll('SELECT id FROM r')).getRows();
const used = process.cpuUsage(begun);
writeFileSync(out, 'id,cluster_id\n' + ids.map(([id]) => `${id},${root(id)}\n`).join(''));
console.log(((used.user + used.system) / 1e6).toFixed(2));
process.exit(0);
