// Asks the libraries of npm. Each line of standard input is [kind, value] in JSON; each
// line of output is {library: verdict}: true or false, for addresses a division code.
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)
const validator = require('validator')
const idValidator = new (require('id-validator'))()
const addressParse = require('address-parse').default

const ask = {
	cn_resident_id: (v) => ({ 'validator': validator.isIdentityCard(v, 'zh-CN'), 'id-validator': idValidator.isValid(v) === true }),
	cn_passport: (v) => ({ 'validator': validator.isPassportNumber(v, 'CN') }),
	hk_id: (v) => ({ 'validator': validator.isIdentityCard(v, 'zh-HK') }),
	tw_id: (v) => ({ 'validator': validator.isIdentityCard(v, 'zh-TW') }),
	intl_iban: (v) => ({ 'validator': validator.isIBAN(v) }),
	bank_card: (v) => ({ 'validator': /^\d{12,19}$/.test(v) && validator.isLuhnNumber(v) }),
	email: (v) => ({ 'validator': validator.isEmail(v) }),
	cn_postal_code: (v) => ({ 'validator': validator.isPostalCode(v, 'CN') }),
	address: (v) => ({ 'address-parse': addressParse.parse(v, true)[0]?.code ?? '' }),
}
const safe = (kind, value) => {
	try { return ask[kind]?.(value) ?? {} } catch { return {} }
}
process.stdout.write(lines.map((line) => JSON.stringify(safe(...JSON.parse(line))) + '\n').join(''))
