/*
 * ident_travel_core.c: passports and permits, and the identifiers of other
 * places: Hong Kong and Taiwan identity cards, IBAN (ISO 13616), LEI (ISO 17442).
 */
#include "ident_core.h"

/* Fold a document number and see that it is letters and digits only. */
static CrmReason
fold_document(const char *text, size_t length, CrmCode *code)
{
	CrmReason	reason = crm_fold_code(text, length, code);

	if (reason != CRM_OK)
		return reason;
	for (size_t i = 0; i < code->length; i++)
	{
		if (!crm_is_digit(code->text[i]) && !crm_is_upper(code->text[i]))
			return CRM_REASON_CHARACTER;
	}
	return CRM_OK;
}

/* Judge a document number against a shape: d digit, l letter, else itself. */
static bool
has_shape(const CrmCode *code, const char *shape)
{
	size_t		i;

	for (i = 0; i < code->length && shape[i] != '\0'; i++)
	{
		char		c = code->text[i];

		if (shape[i] == 'd' ? !crm_is_digit(c) :
			shape[i] == 'l' ? !crm_is_upper(c) :
			shape[i] != c)
			return false;
	}
	return i == code->length && shape[i] == '\0';
}

/* One permitted shape of a document and what it is called. */
typedef struct DocumentShape
{
	const char *shape;
	const char *type;
} DocumentShape;

static bool
judge_shapes(const char *text, size_t length, const DocumentShape *shapes,
			 CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = fold_document(text, length, &code);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	for (; shapes->shape != NULL; shapes++)
	{
		if (has_shape(&code, shapes->shape))
		{
			crm_copy_text(verdict->type, sizeof(verdict->type), shapes->type);
			return crm_verdict_accept(verdict, code.text, code.length);
		}
	}
	return crm_verdict_refuse(verdict, CRM_REASON_FORM);
}

/*
 * Passports of the mainland: ordinary (E, formerly G and 14, 15), service (SE),
 * diplomatic (DE), public affairs (PE).  After E 99999999 the second place turned
 * into a letter, never I or O.
 */
bool
crm_passport_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	static const DocumentShape shapes[] = {
		{"Edddddddd", "ordinary"},
		{"Gdddddddd", "ordinary"},
		{"14ddddddd", "ordinary"},
		{"15ddddddd", "ordinary"},
		{"Elddddddd", "ordinary"},
		{"DEddddddd", "diplomatic"},
		{"DEdddddddd", "diplomatic"},
		{"SEddddddd", "service"},
		{"SEdddddddd", "service"},
		{"PEddddddd", "public_affairs"},
		{"PEdddddddd", "public_affairs"},
		{"Dddddddd", "diplomatic"},
		{"Ddddddddd", "diplomatic"},
		{"Sddddddd", "service"},
		{"Sdddddddd", "service"},
		{"Pddddddd", "public_affairs"},
		{"Pdddddddd", "public_affairs"},
		{NULL, NULL}
	};

	if (!judge_shapes(text, length, shapes, verdict))
		return false;
	if (verdict->normalized[0] == 'E' &&
		(verdict->normalized[1] == 'I' || verdict->normalized[1] == 'O'))
		return crm_verdict_refuse(verdict, CRM_REASON_FORM);
	return true;
}

/* Two-way permit of mainland residents to Hong Kong and Macau. */
bool
crm_permit_to_hk_macau_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	static const DocumentShape shapes[] = {
		{"Cdddddddd", "card"},
		{"Clddddddd", "card"},
		{"Wdddddddd", "booklet"},
		{"Wlddddddd", "booklet"},
		{NULL, NULL}
	};

	if (!judge_shapes(text, length, shapes, verdict))
		return false;
	if (verdict->normalized[1] == 'I' || verdict->normalized[1] == 'O')
		return crm_verdict_refuse(verdict, CRM_REASON_FORM);
	return true;
}

/* Permit of mainland residents to Taiwan. */
bool
crm_permit_to_taiwan_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	static const DocumentShape shapes[] = {
		{"Ldddddddd", "card"},
		{"Tdddddddd", "booklet"},
		{NULL, NULL}
	};

	return judge_shapes(text, length, shapes, verdict);
}

/* Mainland travel permit of Hong Kong (H) and Macau (M) residents, with or without
 * the two digits that count the issues. */
bool
crm_hk_macau_resident_permit_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	static const DocumentShape shapes[] = {
		{"Hdddddddd", "hong_kong"},
		{"Hdddddddddd", "hong_kong"},
		{"Mdddddddd", "macau"},
		{"Mdddddddddd", "macau"},
		{NULL, NULL}
	};

	return judge_shapes(text, length, shapes, verdict);
}

/* Mainland travel permit of Taiwan residents: five-year card or older booklet. */
bool
crm_taiwan_resident_permit_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	static const DocumentShape shapes[] = {
		{"dddddddd", "card"},
		{"dddddddddd", "booklet"},
		{"ddddddddddl", "booklet"},
		{NULL, NULL}
	};

	return judge_shapes(text, length, shapes, verdict);
}

/* Drop the round brackets around a check digit: the digit is part of the number. */
static void
drop_brackets(CrmCode *code)
{
	if (code->length > 3 && code->text[code->length - 1] == ')' &&
		code->text[code->length - 3] == '(')
	{
		code->text[code->length - 3] = code->text[code->length - 2];
		code->length -= 2;
		code->text[code->length] = '\0';
	}
}

/*
 * Hong Kong identity card: one or two letters, six digits, check digit.  Letters
 * count 10 to 35, an absent first letter 36; weights 9 to 1; sum divides by 11.
 */
bool
crm_hk_id_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = crm_fold_code(text, length, &code);
	size_t		letters;
	int			sum;

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	drop_brackets(&code);
	if (code.length != 8 && code.length != 9)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	letters = code.length - 7;
	sum = letters == 1 ? 36 * 9 : 0;
	for (size_t i = 0; i < code.length; i++)
	{
		char		c = code.text[i];
		bool		last = i == code.length - 1;
		int			weight = (int) (code.length - i);

		if (i < letters ? !crm_is_upper(c) : !crm_is_digit(c) && !(last && c == 'A'))
			return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
		sum += (crm_is_digit(c) ? c - '0' : c - 'A' + 10) * weight;
	}
	if (sum % 11 != 0)
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	return crm_verdict_accept(verdict, code.text, code.length);
}

/*
 * Taiwan national identity number (second place 1 man, 2 woman) and unified
 * certificate of foreign residents (8 man, 9 woman; formerly a letter A to D).
 */
static char
tw_sex(char second)
{
	switch (second)
	{
		case '1':
		case '8':
		case 'A':
		case 'C':
			return 'M';
		case '2':
		case '9':
		case 'B':
		case 'D':
			return 'F';
		default:
			return 0;
	}
}

/* The two digits that stand for a letter, in the order A to Z. */
static const unsigned char tw_letter[26] =
{10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33};

bool
crm_tw_id_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = crm_fold_code(text, length, &code);
	int			value;
	int			sum;

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length != 10)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!crm_is_upper(code.text[0]) || !crm_all_digits(code.text + 2, 8))
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	verdict->sex = tw_sex(code.text[1]);
	if (verdict->sex == 0)
		return crm_verdict_refuse(verdict, CRM_REASON_CATEGORY);
	value = tw_letter[code.text[0] - 'A'];
	sum = value / 10 + value % 10 * 9;
	value = crm_is_digit(code.text[1]) ? code.text[1] - '0' : tw_letter[code.text[1] - 'A'] % 10;
	sum += value * 8;
	for (int i = 2; i < 9; i++)
		sum += (code.text[i] - '0') * (9 - i);
	sum += code.text[9] - '0';
	if (sum % 10 != 0)
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	return crm_verdict_accept(verdict, code.text, 10);
}

/* Length of an IBAN by country, from the registry of ISO 13616. */
static const struct
{
	char		country[3];
	unsigned char length;
}			iban_length[] =
{
	{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16},
	{"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22},
	{"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20},
	{"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22},
	{"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HN", 28}, {"HR", 21},
	{"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30},
	{"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20},
	{"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20},
	{"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23},
	{"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22},
	{"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24},
	{"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26},
	{"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30},
};

static int
iban_length_of(const char *country)
{
	for (size_t i = 0; i < sizeof(iban_length) / sizeof(iban_length[0]); i++)
	{
		if (memcmp(iban_length[i].country, country, 2) == 0)
			return iban_length[i].length;
	}
	return 0;
}

bool
crm_iban_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = fold_document(text, length, &code);
	int			expected;

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length < 5)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!crm_is_upper(code.text[0]) || !crm_is_upper(code.text[1]) ||
		!crm_all_digits(code.text + 2, 2))
		return crm_verdict_refuse(verdict, CRM_REASON_FORM);
	expected = iban_length_of(code.text);
	if (expected == 0)
		return crm_verdict_refuse(verdict, CRM_REASON_COUNTRY);
	if (code.length != (size_t) expected)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (crm_mod97(code.text, 4, crm_mod97(code.text + 4, code.length - 4, 0)) != 1)
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	memcpy(verdict->country, code.text, 2);
	verdict->country[2] = '\0';
	return crm_verdict_accept(verdict, code.text, code.length);
}

/* Legal entity identifier: eighteen letters or digits and two check digits. */
bool
crm_lei_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = fold_document(text, length, &code);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length != 20)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!crm_all_digits(code.text + 18, 2))
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	if (crm_mod97(code.text, 20, 0) != 1)
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	return crm_verdict_accept(verdict, code.text, 20);
}
