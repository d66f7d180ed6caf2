// The packages that the tables are made from: DIR is the first argument of every
// generator, and each package must have the version that package.json pins.
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

export const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(process.argv[2] ?? '.')
const pinned = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8')).dependencies

export const text = (name) => fs.readFileSync(path.join(root, 'node_modules', name), 'utf8')
export const json = (name) => JSON.parse(text(name))
export const load = (name) => createRequire(path.join(root, 'package.json'))(name)
export function version(name) {
	const found = json(`${name}/package.json`).version
	if (found !== pinned[name]) throw new Error(`${name} is ${found}, the table is made from ${pinned[name]}`)
	return found
}
