"""agreement.py DATA PEERS: the table that tools/agreement prints.

A row agrees when the verdict is the file's: for telephones also the E.164 form, for
addresses the division code. Libraries get every identifier folded as the files fold
it, since none of them folds: what is compared is the rule.
"""
import collections
import csv
import json
import os
import re
import subprocess
import sys
import unicodedata

data, peers = sys.argv[1:]
OURS, STDNUM, VALIDATOR, ID_VALIDATOR, PHONE, ADDRESS = (
    'crm', 'python3-stdnum', 'validator', 'id-validator', 'libphonenumber', 'address-parse')
COLUMNS = [OURS, STDNUM, VALIDATOR, ID_VALIDATOR, PHONE, ADDRESS]

KINDS = {
    'cn_resident_id': ('resident_id', 'identity number, GB 11643'),
    'cn_uscc': ('uscc', 'credit code, GB 32100'),
    'cn_org_code': ('org_code', 'organisation code, GB 11714'),
    'cn_business_licence': ('business_license', 'business licence, GS 15-2006'),
    'cn_passport': ('passport', 'passport'),
    'cn_permit_to_hk_macau': ('permit_to_hk_macau', 'permit to Hong Kong and Macau'),
    'cn_permit_to_taiwan': ('permit_to_taiwan', 'permit to Taiwan'),
    'cn_hk_macau_resident_permit': ('hk_macau_resident_permit', 'permit of Hong Kong and Macau residents'),
    'cn_taiwan_resident_permit': ('taiwan_resident_permit', 'permit of Taiwan residents'),
    'hk_id': ('hk_id', 'Hong Kong identity card'),
    'tw_id': ('tw_id', 'Taiwan identity card'),
    'intl_iban': ('iban', 'IBAN, ISO 13616'),
    'intl_lei': ('lei', 'LEI, ISO 17442'),
    'bank_card': ('bank_card', 'bank card, ISO/IEC 7812'),
    'email': ('email', 'e-mail'),
    'cn_postal_code': ('postal_code', 'postcode'),
    'name': ('person_name', "person's name"),
}
# The verdicts of these files are the library's own, so it cannot differ.
ORACLE = {('hk_id', VALIDATOR), ('bank_card', VALIDATOR), ('email', VALIDATOR), ('cn_postal_code', VALIDATOR)}


def read(name):
    with open(f'{data}/{name}.csv', newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def fold(value):
    """NFKC, no white space, nothing invisible, no hyphens, upper case."""
    text = unicodedata.normalize('NFKC', value)
    keep = (c for c in text if not c.isspace() and unicodedata.category(c) not in ('Cf', 'Pd') and c != '\u2212')
    return ''.join(keep).upper()


def ask_ours(questions):
    """Fields of each answer; a question is kind, country, value."""
    escape = str.maketrans({'\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r'})
    text = ''.join(f'{kind}\t{country}\t{value.translate(escape)}\n' for kind, country, value in questions)
    out = subprocess.run([f'{peers}/ident'], input=text.encode(), capture_output=True, check=True).stdout.decode()
    return [line.split('\t') for line in out.split('\n')[:-1]]


def ask_npm(questions):
    text = ''.join(json.dumps(question) + '\n' for question in questions)
    try:
        out = subprocess.run(['node', f'{peers}/libraries.cjs'], input=text.encode(), capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [{} for _ in questions]
    return [json.loads(line) for line in out.decode().split('\n')[:-1]]


def ask_phone(questions):
    if not os.path.exists(f'{peers}/phone'):
        return None
    clean = re.compile(r'[\t\r\n]')
    text = ''.join(f"{region}\t{clean.sub(' ', value)}\n" for region, value in questions)
    out = subprocess.run([f'{peers}/phone', 'judge'], input=text.encode(), capture_output=True, check=True).stdout.decode()
    return [line.split('\t') for line in out.split('\n')[:-1]]


def stdnum_of(kind):
    """The function of python-stdnum for a kind, None where it has none."""
    try:
        import stdnum.cn.ric, stdnum.cn.uscc, stdnum.iban, stdnum.iso7064.mod_11_10, stdnum.lei, stdnum.luhn
    except ImportError:
        return None
    return {
        'cn_resident_id': stdnum.cn.ric.is_valid,
        'cn_uscc': stdnum.cn.uscc.is_valid,
        'cn_business_licence': lambda v: len(v) == 15 and stdnum.iso7064.mod_11_10.is_valid(v),
        'intl_iban': stdnum.iban.is_valid,
        'intl_lei': stdnum.lei.is_valid,
        'bank_card': lambda v: 12 <= len(v) <= 19 and stdnum.luhn.is_valid(v),
    }.get(kind)


table = collections.OrderedDict()    # label -> {column: [agree, all]}


def tally(label, column, good):
    cell = table.setdefault(label, {}).setdefault(column, [0, 0])
    cell[0] += bool(good)
    cell[1] += 1


def identifiers():
    rows = [dict(row, kind=row.get('kind', 'name')) for name in ('ids', 'bank_cards', 'emails', 'postal_codes', 'names')
            for row in read(name)]
    rows = [row for row in rows if row['kind'] in KINDS]
    rows.sort(key=lambda row: list(KINDS).index(row['kind']))
    ours = ask_ours([(KINDS[row['kind']][0], '', row['value']) for row in rows])
    folded = [row['value'].strip() if row['kind'] == 'email' else fold(row['value']) for row in rows]
    npm = ask_npm([(row['kind'], value) for row, value in zip(rows, folded)])
    stdnum = {kind: stdnum_of(kind) for kind in KINDS}
    for row, said, value, libraries in zip(rows, ours, folded, npm):
        kind, label, valid = row['kind'], KINDS[row['kind']][1], row['valid'] == 't'
        tally(label, OURS, (said[0] == '1') == valid and (not valid or not row['normalized'] or said[1] == row['normalized']))
        if stdnum[kind]:
            tally(label, STDNUM, stdnum[kind](value) == valid)
        for library, verdict in libraries.items():
            if (kind, library) not in ORACLE:
                tally(label, library, verdict == valid)


def phones():
    rows = [row for row in read('phones') if row['flags'] not in ('cn_iot_13', 'cn_short_code')]
    ours = ask_ours([('phone', row['default_region'], row['value']) for row in rows])
    peer = ask_phone([(row['default_region'], row['value']) for row in rows])
    for i, row in enumerate(rows):
        label = 'telephone, extension in Chinese' if row['flags'] == 'cn_extension_convention' else 'telephone'
        wanted = (row['valid'] == 't', row['e164'], row['extension'])
        number = ours[i][1].split(';')[0]
        tally(label, OURS, (ours[i][0] == '1', number, ours[i][7]) == wanted)
        if peer:
            tally(label, PHONE, (peer[i][0] == '1', peer[i][1], peer[i][2] if peer[i][0] == '1' else '') == wanted)


def addresses():
    rows = read('addresses')
    ours = ask_ours([('address', '', row['address']) for row in rows])
    npm = ask_npm([('address', row['address']) for row in rows])
    classes = sorted({row['class'] for row in rows})
    for name in ['all'] + classes:
        for row, said, libraries in zip(rows, ours, npm):
            if name not in ('all', row['class']):
                continue
            label = 'address, all classes' if name == 'all' else 'address, ' + name.replace('_', ' ')
            tally(label, OURS, ('' if said[1] == '000000' else said[1]) == row['division_code'])
            if ADDRESS in libraries:
                tally(label, ADDRESS, libraries[ADDRESS] == row['division_code'])


def versions():
    def debian(name):
        out = subprocess.run(['dpkg-query', '-W', '-f=${Version}', name], capture_output=True, text=True).stdout
        return f'{name} {out}' if out else ''

    def npm(name):
        path = f'{peers}/node_modules/{name}/package.json'
        return f"{name} {json.load(open(path))['version']}" if os.path.exists(path) else ''
    return ', '.join(filter(None, [debian('python3-stdnum'), debian('libphonenumber-dev'),
                                   npm(VALIDATOR), npm(ID_VALIDATOR), npm(ADDRESS)]))


identifiers()
phones()
addresses()
print(f'Measured with {versions()}.\n')
print('| values | rows | ' + ' | '.join(COLUMNS) + ' |')
print('|---|---:|' + '---:|' * len(COLUMNS))
for label, cells in table.items():
    shares = (f'{100 * cells[c][0] / cells[c][1]:.2f}' if c in cells else '' for c in COLUMNS)
    print(f'| {label} | {cells[OURS][1]} | ' + ' | '.join(shares) + ' |')
