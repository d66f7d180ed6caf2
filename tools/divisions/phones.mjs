// Generates src/ident/phone_table.inc: one automaton over digits that knows which
// national numbers of which country are assigned, and to what kind of service.
//
// Usage: node tools/divisions/phones.mjs DIR > src/ident/phone_table.inc
// with DIR as for divisions.mjs.  The patterns are libphonenumber's metadata.
import { json, version } from './packages.mjs'

const metadata = json('libphonenumber-js/metadata.max.json')

// In the order of the metadata; the names are those of CrmVerdict.type.
const TYPES = ['fixed_line', 'mobile', 'toll_free', 'premium_rate', 'personal_number', 'voicemail', 'uan', 'pager',
	'voip', 'shared_cost', 'fixed_line_or_mobile']
// What wins when several patterns match, fixed line and mobile last.
const ORDER = [3, 2, 9, 8, 4, 7, 6, 5]

// A pattern becomes a tree: {any: digits}, {seq: [...]}, {alt: [...]}, {rep: tree, min, max}.
function parse(pattern) {
	let at = 0
	function alternatives() {
		const branches = [sequence()]
		while (pattern[at] === '|') { at++; branches.push(sequence()) }
		return branches.length === 1 ? branches[0] : { alt: branches }
	}
	function sequence() {
		const items = []
		while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') items.push(quantified(atom()))
		return { seq: items }
	}
	function atom() {
		const c = pattern[at++]
		if (c >= '0' && c <= '9') return { any: [Number(c)] }
		if (c === '\\') {
			if (pattern[at++] !== 'd') throw new Error(`escape in ${pattern}`)
			return { any: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
		}
		if (c === '[') {
			const any = new Set()
			while (pattern[at] !== ']') {
				if (pattern[at] === '\\') { at += 2; for (let d = 0; d < 10; d++) any.add(d); continue }
				const from = Number(pattern[at++])
				let to = from
				if (pattern[at] === '-') { to = Number(pattern[at + 1]); at += 2 }
				for (let d = from; d <= to; d++) any.add(d)
			}
			at++
			return { any: [...any] }
		}
		if (c === '(') {
			if (pattern.startsWith('?:', at)) at += 2
			const inner = alternatives()
			if (pattern[at++] !== ')') throw new Error(`bracket in ${pattern}`)
			return inner
		}
		throw new Error(`${c} in ${pattern}`)
	}
	function quantified(item) {
		if (pattern[at] === '?') { at++; return { rep: item, min: 0, max: 1 } }
		if (pattern[at] === '{') {
			const end = pattern.indexOf('}', at)
			const [min, max] = pattern.slice(at + 1, end).split(',')
			at = end + 1
			return { rep: item, min: Number(min), max: max === undefined ? Number(min) : Number(max) }
		}
		return item
	}
	const tree = alternatives()
	if (at !== pattern.length) throw new Error(`trailing in ${pattern}`)
	return tree
}

// Nondeterministic states: {next: [[digit bitmap, state]], free: [states]}.
const nfa = []
const fresh = () => nfa.push({ next: [], free: [] }) - 1
function build(tree, from) {
	if (tree.any) {
		const to = fresh()
		nfa[from].next.push([tree.any.reduce((bits, d) => bits | 1 << d, 0), to])
		return to
	}
	if (tree.seq) return tree.seq.reduce((at, item) => build(item, at), from)
	if (tree.alt) {
		const end = fresh()
		for (const branch of tree.alt) nfa[build(branch, from)].free.push(end)
		return end
	}
	let at = from
	for (let i = 0; i < tree.min; i++) at = build(tree.rep, at)
	const end = fresh()
	nfa[at].free.push(end)
	for (let i = tree.min; i < tree.max; i++) {
		const start = fresh()
		nfa[at].free.push(start)
		at = build(tree.rep, start)
		nfa[at].free.push(end)
	}
	return end
}
function close(states) {
	const set = new Set(states)
	const queue = [...set]
	while (queue.length) for (const to of nfa[queue.pop()].free) if (!set.has(to)) { set.add(to); queue.push(to) }
	return [...set].sort((a, b) => a - b)
}

const countries = []

// One country's types: {country, general, leading, types: [[end state, lengths]]}.
function compileRegion(at, data, start) {
	const region = { country: at, types: [], general: build(parse(data[2]), start) }
	if (data[10]) {
		region.leading = build(parse(data[10]), start)
		nfa[region.leading].next.push([0x3FF, region.leading])
	}
	const sameMobile = data[11]?.[1] && data[11][1][0] === ''
	region.sameMobile = Boolean(sameMobile)
	;(data[11] ?? []).forEach((type, i) => {
		if (!type || type[0] === '') return
		region.types[i] = [build(parse(type[0]), start), type[1] ?? data[3]]
	})
	if (!data[11]) region.untyped = true
	return region
}

// What libphonenumber would say of a number that ends in this set of states.
function label(regions, set, length) {
	const has = (state) => state !== undefined && set.includes(state)
	for (const region of regions) {
		const matches = (i) => region.types[i] && has(region.types[i][0]) && region.types[i][1].includes(length)
		let type = -1
		if (has(region.general)) {
			type = ORDER.find(matches) ?? -1
			if (type < 0 && matches(0)) type = region.sameMobile || matches(1) ? 10 : 0
			if (type < 0 && matches(1)) type = 1
		}
		if (region.leading !== undefined) {
			if (has(region.leading)) return type < 0 ? 0 : 1 + type + 16 * region.country
		}
		else if (type >= 0) return 1 + type + 16 * region.country
	}
	return 0
}

// Deterministic states of all calling codes together; state 0 is the dead end.
const dfa = [{ next: new Array(10).fill(0), label: 0 }]
function determinise(regions, start) {
	const known = new Map()
	function state(set, length) {
		const key = length + ':' + set.join()
		if (known.has(key)) return known.get(key)
		const index = dfa.push({ next: new Array(10).fill(0), label: label(regions, set, length) }) - 1
		known.set(key, index)
		for (let digit = 0; digit < 10 && length < 17; digit++) {
			const to = close(set.flatMap((s) => nfa[s].next.filter(([bits]) => bits >> digit & 1).map(([, t]) => t)))
			// What only the leading digits keep alive will never be a number.
			const useful = to.filter((s) => !regions.some((r) => r.leading === s))
			if (useful.length) dfa[index].next[digit] = state(to, length + 1)
		}
		return index
	}
	return state(close([start]), 0)
}

const codes = []
function compile(code, list) {
	const start = fresh()
	const regions = list.map(([, data], at) => compileRegion(at, data, start))
	const main = list[0][1]
	const first = countries.push(...list.map(([name]) => name)) - list.length
	codes.push({ code, start: determinise(regions, start), prefix: typeof main[5] === 'string' ? main[5] : '', country: first, countries: list.length })
}
for (const [code, names] of Object.entries(metadata.country_calling_codes))
	compile(code, names.map((name) => [name, metadata.countries[name]]))
for (const [code, data] of Object.entries(metadata.nonGeographic)) compile(code, [['001', data]])

// Moore's refinement: states that no continuation can tell apart become one.
let part = dfa.map((s) => s.label)
for (let before = 0; ;) {
	const classes = new Map()
	part = dfa.map((s, i) => {
		const key = part[i] + '|' + s.next.map((t) => part[t]).join()
		if (!classes.has(key)) classes.set(key, classes.size)
		return classes.get(key)
	})
	if (classes.size === before) break
	before = classes.size
}
const dead = part[0]
const order = [dead]
const number = new Map([[dead, 0]])
const member = new Map()
dfa.forEach((s, i) => { if (!member.has(part[i])) member.set(part[i], s) })
for (const entry of codes) {
	const queue = [part[entry.start]]
	while (queue.length) {
		const p = queue.shift()
		if (number.has(p)) continue
		number.set(p, order.push(p) - 1)
		queue.push(...member.get(p).next.map((t) => part[t]))
	}
}

const labels = [...new Set(order.map((p) => member.get(p).label))].sort((a, b) => a - b)
const blocks = []
const blockOf = new Map()
const rows = order.map((p) => {
	const next = member.get(p).next.map((t) => number.get(part[t]))
	const key = next.join()
	if (!blockOf.has(key)) blockOf.set(key, blocks.push(next) - 1)
	return [blockOf.get(key), labels.indexOf(member.get(p).label)]
})

function wrap(cells, width = 100) {
	const lines = []
	let line = ''
	for (const cell of cells) {
		if (line.length + cell.length + 2 > width) { lines.push('\t' + line.trim()); line = '' }
		line += ' ' + cell + ','
	}
	lines.push('\t' + line.trim())
	return lines
}

const out = ['/*',
	' * phone_table.inc: generated by tools/divisions/phones.mjs; do not edit.',
	' *',
	` * The numbering plans of libphonenumber's metadata (Apache-2.0) as packed in`,
	` * libphonenumber-js ${version('libphonenumber-js')}; see tools/divisions/NOTICE.`,
	` * ${codes.length} calling codes, ${countries.length} countries, ${order.length} states.`,
	' */', '',
	'/* Calling code, start state, trunk prefix, first country and how many. */',
	`#define PHONE_CODE_CN ${codes.slice().sort((a, b) => (a.code < b.code ? -1 : 1)).findIndex((c) => c.code === '86')}`,
	`static const PhoneCode phone_code[${codes.length}] = {`]
codes.sort((a, b) => (a.code < b.code ? -1 : 1))
out.push(...wrap(codes.map((c) => `{"${c.code}", ${number.get(part[c.start])}, "${c.prefix}", ${c.country}, ${c.countries}}`)), '};', '')
out.push(`static const char phone_country[${countries.length}][4] = {`, ...wrap(countries.map((c) => `"${c}"`)), '};', '')
out.push(`static const char *const phone_type[${TYPES.length}] = {`, ...wrap(TYPES.map((t) => `"${t}"`)), '};', '')
out.push('/* What a final state says: 0 no number, else 1 + type + 16 * place among the code\'s countries. */',
	`static const uint16_t phone_label[${labels.length}] = {`, ...wrap(labels.map(String)), '};', '')
out.push('/* Of each state: its block of transitions and its label. */',
	`static const uint16_t phone_state[${rows.length}][2] = {`, ...wrap(rows.map(([b, l]) => `{${b},${l}}`)), '};', '')
out.push('/* The states that the digits 0 to 9 lead to. */',
	`static const uint16_t phone_block[${blocks.length}][10] = {`, ...wrap(blocks.map((b) => `{${b.join()}}`)), '};')
process.stdout.write(out.join('\n') + '\n')
