/*
 * ident_cn_core.c: China's national codes: resident identity numbers (GB 11643),
 * unified social credit codes (GB 32100), organisation codes (GB 11714),
 * business licence numbers (GS 15-2006) and postal codes.
 */
#include "ident_core.h"

/* Births outside are typing errors; each release moves the upper year on. */
#define FIRST_BIRTH_YEAR 1900
#define LAST_BIRTH_YEAR 2030

/* Where a credit code names its division, the registries of the State have this. */
#define NATIONAL_REGISTRY 100000

/* ISO 7064 MOD 11-2: 2^(17-i) mod 11, and the check character of each remainder. */
static const unsigned char resident_weight[17] =
{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
static const char resident_check[] = "10X98765432";

/* The check character that seventeen digits ask for. */
char
crm_resident_check(const char *digits)
{
	int			sum = 0;

	for (int i = 0; i < 17; i++)
		sum += (digits[i] - '0') * resident_weight[i];
	return resident_check[sum % 11];
}

/*
 * A number of the first generation has two digits for the year and no check
 * character; all its holders were born in the twentieth century.
 */
void
crm_resident_upgrade(const char *old, char *number)
{
	memcpy(number, old, 6);
	memcpy(number + 6, "19", 2);
	memcpy(number + 8, old + 6, 9);
	number[17] = crm_resident_check(number);
}

/* Region, date and check character of an 18-character number. */
static CrmReason
resident_fault(const char *number, CrmVerdict *verdict)
{
	int32_t		year = crm_digits_value(number + 6, 4);
	int32_t		month_day = crm_digits_value(number + 10, 4);
	int32_t		region = crm_digits_value(number, 6);

	if (year < FIRST_BIRTH_YEAR || year > LAST_BIRTH_YEAR ||
		!crm_date_real(year, month_day / 100, month_day % 100))
		return CRM_REASON_DATE;
	if (crm_resident_check(number) != number[17])
		return CRM_REASON_CHECK_DIGIT;
	if (!crm_division_exists(region, &verdict->region_withdrawn))
		return CRM_REASON_REGION;
	verdict->region = region;
	verdict->birth_date = year * 10000 + month_day;
	verdict->sex = (number[16] - '0') % 2 ? 'M' : 'F';
	return CRM_OK;
}

/* Most numbers come clean and right; they need no verdict to be told valid. */
bool
crm_resident_id_clean(const char *text, size_t length)
{
	int32_t		month_day;
	int32_t		year;
	int			sum = 0;
	int			fault = 0;
	bool		withdrawn;

	if (length != 18)
		return false;
	/* One sign bit gathers what is no digit, so that the loop has no branch. */
	for (int i = 0; i < 17; i++)
	{
		int			digit = text[i] - '0';

		fault |= digit | (9 - digit);
		sum += digit * resident_weight[i];
	}
	if (fault < 0 || resident_check[sum % 11] != text[17])
		return false;
	year = crm_digits_value(text + 6, 4);
	month_day = crm_digits_value(text + 10, 4);
	return year >= FIRST_BIRTH_YEAR && year <= LAST_BIRTH_YEAR &&
		crm_date_real(year, month_day / 100, month_day % 100) &&
		crm_division_exists(crm_digits_value(text, 6), &withdrawn);
}

/* Residence permits of Hong Kong, Macau and Taiwan residents are numbers too. */
static bool
is_residence_permit(int32_t region)
{
	return region == 810000 || region == 820000 || region == 830000;
}

/*
 * Tell how the region stands to the birth; only old numbers need the look-up.
 * Where the year of a withdrawal is not known, the year by which the region was
 * gone decides: what is told is certain, what is not known is not told.
 */
static void
resident_region_facts(CrmVerdict *verdict)
{
	CrmDivisionFacts facts;

	if (is_residence_permit(verdict->region))
		crm_copy_text(verdict->type, sizeof(verdict->type), "residence_permit");
	else
		crm_copy_text(verdict->type, sizeof(verdict->type), "identity_card");
	if (verdict->region_withdrawn && crm_division_facts(verdict->region, &facts))
		verdict->region_withdrawn_before_birth =
			facts.gone_by < verdict->birth_date / 10000;
}

static bool
resident_id_accept(const char *number, CrmVerdict *verdict)
{
	CrmReason	reason = resident_fault(number, verdict);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	resident_region_facts(verdict);
	return crm_verdict_accept(verdict, number, 18);
}

/*
 * GB 11643: six digits of region, eight of birth date, three of sequence (odd
 * for men), one check character.  The region must have existed at some time;
 * holders keep their number when it is withdrawn.
 */
bool
crm_resident_id_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	char		number[18];
	CrmCode		code;
	CrmReason	reason;

	/* Most numbers come clean: judge them where they stand. */
	if (length == 18 && crm_all_digits(text, 17) &&
		(crm_is_digit(text[17]) || text[17] == 'X'))
		return resident_id_accept(text, verdict);

	reason = crm_fold_code(text, length, &code);
	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length == 15 && crm_all_digits(code.text, 15))
	{
		crm_resident_upgrade(code.text, number);
		verdict->was_15_digits = true;
		return resident_id_accept(number, verdict);
	}
	if (code.length != 18)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!crm_all_digits(code.text, 17) ||
		!(crm_is_digit(code.text[17]) || code.text[17] == 'X'))
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	return resident_id_accept(code.text, verdict);
}

/*
 * GB 32100's alphabet of 31: the digits and the capital letters but I, O, S, V
 * and Z.  The value of each character, -1 for what cannot stand there.
 */
static const signed char uscc_value[128] =
{
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1,
	-1, 10, 11, 12, 13, 14, 15, 16, 17, -1, 18, 19, 20, 21, 22, -1,
	23, 24, 25, -1, 26, 27, -1, 28, 29, 30, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
};

/* 3^i mod 31 for the first seventeen places; the check character counts as it is. */
static const unsigned char uscc_weight[18] =
{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1};

/* The registering authority (first character) and its categories (second). */
typedef struct UsccAuthority
{
	const char *categories;
	const char *name;
} UsccAuthority;

static const UsccAuthority uscc_authority[] = {
	/* 1 */ {"1239", "机构编制"},
	/* 2 */ {"19", "外交"},
	/* 3 */ {"123459", "司法行政"},
	/* 4 */ {"19", "文化"},
	/* 5 */ {"1239", "民政"},
	/* 6 */ {"129", "旅游"},
	/* 7 */ {"129", "宗教"},
	/* 8 */ {"19", "工会"},
	/* 9 */ {"123", "市场监督管理"},
	/* A */ {"19", "中央军委改革和编制办公室"},
	/* N */ {"1239", "农业农村"},
	/* Y */ {"1", "其他"},
};

/* The digits stand in their places, the letters behind them. */
static const UsccAuthority *
uscc_authority_find(char letter)
{
	size_t		i = letter >= '1' && letter <= '9' ? (size_t) (letter - '1') :
		letter == 'A' ? 9 : letter == 'N' ? 10 : letter == 'Y' ? 11 :
		sizeof(uscc_authority) / sizeof(uscc_authority[0]);

	return i < sizeof(uscc_authority) / sizeof(uscc_authority[0]) ? &uscc_authority[i] : NULL;
}

/* GB 11714: weights 3 7 9 10 5 8 4 2, remainder against 11, 10 is written X. */
static char
org_check_character(const char *body)
{
	static const unsigned char weight[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	int			sum = 0;

	for (int i = 0; i < 8; i++)
	{
		int			value = crm_is_digit(body[i]) ? body[i] - '0' : body[i] - 'A' + 10;

		sum += value * weight[i];
	}
	sum = (11 - sum % 11) % 11;
	return sum == 10 ? 'X' : (char) ('0' + sum);
}

/* Alphabet and check character of a credit code. */
static CrmReason
uscc_fault(const char *code)
{
	int			sum = 0;
	int			fault = 0;

	/* One sign bit gathers what cannot stand, so that the loops have no branch. */
	for (int i = 0; i < 18; i++)
	{
		int			value = uscc_value[code[i] & 0x7F];

		fault |= value | (code[i] & 0x80 ? -1 : 0);
		sum += value * uscc_weight[i];
	}
	for (int i = 2; i < 8; i++)
		fault |= '9' - code[i];
	if (fault < 0)
		return CRM_REASON_CHARACTER;
	/* The check character complements the sum to a multiple of 31. */
	if (sum % 31 != 0)
		return CRM_REASON_CHECK_DIGIT;
	return CRM_OK;
}

/*
 * A code whose check character is right may still sin against the tables: such
 * codes were issued, so it is told as a fact and the code is not refused.
 */
static bool
uscc_accept(const char *code, CrmVerdict *verdict)
{
	const UsccAuthority *authority;
	CrmReason	reason = uscc_fault(code);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	authority = uscc_authority_find(code[0]);
	if (authority == NULL)
		return crm_verdict_refuse(verdict, CRM_REASON_CATEGORY);
	crm_copy_text(verdict->issuer, sizeof(verdict->issuer), authority->name);
	verdict->category_unknown = strchr(authority->categories, code[1]) == NULL;
	verdict->region = crm_digits_value(code + 2, 6);
	verdict->region_unknown = verdict->region != NATIONAL_REGISTRY &&
		!crm_division_exists(verdict->region, &verdict->region_withdrawn);
	verdict->organization_code_differs = org_check_character(code + 8) != code[16];
	return crm_verdict_accept(verdict, code, 18);
}

bool
crm_uscc_clean(const char *text, size_t length)
{
	return length == 18 && uscc_fault(text) == CRM_OK && uscc_authority_find(text[0]) != NULL;
}

/*
 * GB 32100: authority, category, six digits of division, the nine of GB 11714,
 * one check character.
 */
bool
crm_uscc_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason;

	if (length == 18 && uscc_fault(text) == CRM_OK)
		return uscc_accept(text, verdict);
	reason = crm_fold_code(text, length, &code);
	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length != 18)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	return uscc_accept(code.text, verdict);
}

/* GB 11714: eight digits or capital letters and a check character. */
bool
crm_org_code_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = crm_fold_code(text, length, &code);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length != 9)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	for (int i = 0; i < 8; i++)
	{
		if (!crm_is_digit(code.text[i]) && !crm_is_upper(code.text[i]))
			return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	}
	if (!crm_is_digit(code.text[8]) && code.text[8] != 'X')
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	if (org_check_character(code.text) != code.text[8])
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	return crm_verdict_accept(verdict, code.text, 9);
}

/* ISO 7064 MOD 11,10 over digits, the check digit included. */
static bool
mod_11_10(const char *digits, size_t length)
{
	int			check = 5;

	for (size_t i = 0; i < length; i++)
		check = ((check == 0 ? 10 : check) * 2 % 11 + (digits[i] - '0')) % 10;
	return check == 1;
}

/*
 * The fifteen digits on licences issued before credit codes: division of the
 * registering office, sequence, check digit.
 */
bool
crm_business_license_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = crm_fold_code(text, length, &code);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (code.length != 15)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!crm_all_digits(code.text, 15))
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	if (!mod_11_10(code.text, 15))
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	verdict->region = crm_digits_value(code.text, 6);
	verdict->region_unknown = !crm_division_exists(verdict->region, &verdict->region_withdrawn);
	return crm_verdict_accept(verdict, code.text, 15);
}

/* The first two digits of a postcode that a province was given. */
static const char postal_zone[] =
"0102030405060710111213151620212223242526273031323334353640414243444546475152535455565761626364656667"
"7172737475818384859099";

/* Nyingchi alone has postcodes that begin with 86, and they go on with 0. */
static bool
in_postal_zone(const char *code)
{
	for (size_t i = 0; i + 1 < sizeof(postal_zone); i += 2)
	{
		if (memcmp(postal_zone + i, code, 2) == 0)
			return true;
	}
	return memcmp(code, "860", 3) == 0;
}

/* Six digits of which the first two name a province and its postal zone. */
bool
crm_postal_code_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = crm_fold_code(text, length, &code);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (!crm_all_digits(code.text, code.length))
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	if (code.length != 6)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!in_postal_zone(code.text))
		return crm_verdict_refuse(verdict, CRM_REASON_PREFIX);
	return crm_verdict_accept(verdict, code.text, 6);
}
