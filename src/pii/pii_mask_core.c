/*
 * pii_mask_core.c: masks, from a normalised value and a rule.
 *
 * Whatever the value is, a mask ends with NUL and needs at most CRM_MASK_MAX
 * bytes; what does not look like a value of its type shows nothing.
 */
#include "pii_mask_core.h"

#include <string.h>

#include "ident/ident.h"

/* Digits of a number that stay hidden, however wide the rule is. */
#define HIDDEN_AT_LEAST 3

static const CrmMaskRule default_rule[CRM_PII_TYPE_END] = {
	[CRM_PII_PHONE] = {3, 4},
	[CRM_PII_ID_NUMBER] = {1, 1},
	[CRM_PII_BANK_CARD] = {0, 4},
	[CRM_PII_EMAIL] = {1, 1},
	[CRM_PII_PERSON_NAME] = {1, 0},
	[CRM_PII_POSTAL_ADDRESS] = {3, 0},
	[CRM_PII_PRIVATE_TEXT] = {0, 0},
};

/*
 * The widest that anybody can set.  Six and four digits of a resident identity
 * number leave the birth date; six and four of a card leave 100,000 cards.
 */
static const CrmMaskRule limit_rule[CRM_PII_TYPE_END] = {
	[CRM_PII_PHONE] = {3, 4},
	[CRM_PII_ID_NUMBER] = {6, 4},
	[CRM_PII_BANK_CARD] = {6, 4},
	[CRM_PII_EMAIL] = {3, 1},
	[CRM_PII_PERSON_NAME] = {1, 1},
	[CRM_PII_POSTAL_ADDRESS] = {3, 0},
	[CRM_PII_PRIVATE_TEXT] = {0, 0},
};

CrmMaskRule
crm_mask_default(CrmPiiType type)
{
	return default_rule[type];
}

CrmMaskRule
crm_mask_limit(CrmPiiType type)
{
	return limit_rule[type];
}

CrmMaskRule
crm_mask_narrower(CrmMaskRule a, CrmMaskRule b)
{
	CrmMaskRule narrower = {
		a.left < b.left ? a.left : b.left,
		a.right < b.right ? a.right : b.right
	};

	return narrower;
}

static size_t
put(char *mask, size_t at, const char *text, size_t length)
{
	memcpy(mask + at, text, length);
	return at + length;
}

static size_t
put_stars(char *mask, size_t at, size_t count)
{
	memset(mask + at, '*', count);
	return at + count;
}

static size_t
put_nothing(char *mask)
{
	return put_stars(mask, 0, sizeof(CRM_MASK_NOTHING) - 1);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of the UTF-8 character that begins here. */
static size_t
char_length(const char *text, size_t length)
{
	unsigned char c = (unsigned char) *text;
	size_t		n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

	return n < length ? n : length;
}

static size_t
char_count(const char *text, size_t length)
{
	size_t		count = 0;

	for (size_t i = 0; i < length; i += char_length(text + i, length - i))
		count++;
	return count;
}

/* Characters at both ends of a code, a star for each between them. */
static size_t
mask_code(CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	size_t		left = (size_t) rule.left;
	size_t		right = (size_t) rule.right;
	size_t		at;

	if (length < left + right + HIDDEN_AT_LEAST)
		left = 0, right = length > right + HIDDEN_AT_LEAST ? right : 0;
	at = put(mask, 0, text, left);
	at = put_stars(mask, at, length - left - right);
	return put(mask, at, text + length - right, right);
}

/* Digits of the country code that begins here (ITU-T E.164). */
static size_t
country_code_length(const char *digits)
{
	static const char two[] =
	"20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 "
	"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";

	if (digits[0] == '1' || digits[0] == '7')
		return 1;
	for (const char *code = two; *code != '\0'; code += 3)
		if (code[0] == digits[0] && code[1] == digits[1])
			return 2;
	return 3;
}

/* Digits of the Chinese area code of a fixed line, without its trunk zero. */
static size_t
area_code_length(const char *national)
{
	return national[0] == '1' || national[0] == '2' ? 2 : 3;
}

/* A fixed line as it is dialled: 0, area code, hyphen, subscriber. */
static size_t
mask_fixed_line(CrmMaskRule rule, const char *national, size_t length, char *mask)
{
	size_t		area = area_code_length(national);
	size_t		at = put(mask, 0, "0", 1);

	if (rule.left >= 3)
		at = put(mask, at, national, area);
	else
		at = put_stars(mask, at, area);
	at = put(mask, at, "-", 1);
	rule.left = 0;
	return at + mask_code(rule, national + area, length - area, mask + at);
}

static size_t
mask_chinese_phone(CrmMaskRule rule, const char *national, size_t length, char *mask)
{
	bool		service = length >= 3 && (memcmp(national, "400", 3) == 0 ||
										  memcmp(national, "800", 3) == 0);

	if (length < 9 || service || (length == 11 && national[0] == '1'))
		return mask_code(rule, national, length, mask);
	return mask_fixed_line(rule, national, length, mask);
}

static size_t
mask_foreign_phone(CrmMaskRule rule, const char *digits, size_t length, char *mask)
{
	size_t		country = length > 3 ? country_code_length(digits) : 0;
	size_t		at = put(mask, 0, "+", 1);

	if (rule.left >= 3)
		at = put(mask, at, digits, country);
	else
		at = put_stars(mask, at, country);
	rule.left = 0;
	return at + mask_code(rule, digits + country, length - country, mask + at);
}

/*
 * The mobile number of mainland China, most of all phones, by its shape alone:
 * +861 and ten digits.
 */
static bool
is_chinese_mobile(const char *text, size_t length)
{
	return length == 14 && memcmp(text, "+861", 4) == 0;
}

static size_t
mask_chinese_mobile(const char *text, char *mask)
{
	memcpy(mask, text + 3, 3);
	memcpy(mask + 3, "****", 4);
	memcpy(mask + 7, text + 10, 4);
	return 11;
}

/* Only the number proper: an extension tells nothing that a mask needs. */
static size_t
mask_phone(CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	bool		international = length > 0 && text[0] == '+';
	const char *digits = text + international;
	size_t		count = 0;

	if (rule.left == 3 && rule.right == 4 && is_chinese_mobile(text, length))
		return mask_chinese_mobile(text, mask);
	while (count < length - international && is_digit(digits[count]))
		count++;
	if (!international)
		return count > 0 ? mask_chinese_phone(rule, digits, count, mask) : put_nothing(mask);
	if (count > 3 && memcmp(digits, "86", 2) == 0)
		return mask_chinese_phone(rule, digits + 2, count - 2, mask);
	return mask_foreign_phone(rule, digits, count, mask);
}

/* Three stars however long the local part is: its length would help to guess it. */
static size_t
mask_email(CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	size_t		local = length;
	size_t		shown = 0;
	size_t		at;

	while (local > 0 && text[local - 1] != '@')
		local--;
	if (local == 0)
		return put_nothing(mask);
	local--;
	for (int i = 0; i < rule.left && shown < local; i++)
		shown += char_length(text + shown, local - shown);
	if (shown >= local)
		shown = 0;
	at = put(mask, 0, text, shown);
	at = put_stars(mask, at, 3);
	at = put(mask, at, "@", 1);
	if (rule.right == 0)
		return put_stars(mask, at, 3);
	return put(mask, at, text + local + 1, length - local - 1);
}

static bool
is_middle_dot(const char *text, size_t length)
{
	return length >= 2 && memcmp(text, "\xc2\xb7", 2) == 0;
}

/* The surname, a star for each further character, the last one when the rule says so. */
static size_t
mask_chinese_name(CrmMaskRule rule, const char *text, size_t length, size_t surname, char *mask)
{
	size_t		given = char_count(text + surname, length - surname);
	size_t		last = length;
	size_t		at;

	if (rule.left > 0)
		at = put(mask, 0, text, surname);
	else
		at = put_stars(mask, 0, char_count(text, surname));
	if (rule.right == 0 || given < 2)
		return put_stars(mask, at, given);
	do
		last--;
	while (last > surname && ((unsigned char) text[last] & 0xC0) == 0x80);
	at = put_stars(mask, at, given - 1);
	return put(mask, at, text + last, length - last);
}

/* Any other name: the first character of each word, or of a dotted name. */
static size_t
mask_worded_name(CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	bool		dotted = false;
	bool		initial = true;
	size_t		at = 0;

	for (size_t i = 0, n; i < length; i += n)
	{
		n = char_length(text + i, length - i);
		dotted = is_middle_dot(text + i, length - i);
		if (text[i] == ' ' || dotted)
			at = put(mask, at, text + i, n);
		else if (initial && rule.left > 0)
			at = put(mask, at, text + i, n);
		else
			at = put_stars(mask, at, 1);
		initial = text[i] == ' ';
	}
	return at;
}

static size_t
mask_name(CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	size_t		surname = crm_person_surname_length(text, length);

	size_t		at;

	if (surname > 0 && surname < length)
		return mask_chinese_name(rule, text, length, surname, mask);
	at = mask_worded_name(rule, text, length, mask);
	if (memchr(mask, '*', at) != NULL)
		return at;
	/* Nothing but initials: they are the name. */
	rule.left = 0;
	return mask_worded_name(rule, text, length, mask);
}

static size_t
put_name(char *mask, size_t at, const char *name, const char *before)
{
	if (strcmp(name, before) == 0)
		return at;
	return put(mask, at, name, strlen(name));
}

/* Down to the district, by the names of the division table; no word of the text itself. */
static size_t
mask_address(CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	CrmAddress	address;
	size_t		at = 0;

	if (rule.left == 0 || !crm_address_parse(text, length, &address))
		return put_nothing(mask);
	at = put_name(mask, at, address.province, "");
	if (rule.left > 1)
		at = put_name(mask, at, address.city, address.province);
	if (rule.left > 2)
		at = put_name(mask, at, address.district, address.city);
	return put_stars(mask, at, 3);
}

/* Write the mask and a NUL into CRM_MASK_MAX bytes; returns its length. */
size_t
crm_mask(CrmPiiType type, CrmMaskRule rule, const char *text, size_t length, char *mask)
{
	size_t		at = 0;

	rule = crm_mask_narrower(rule, limit_rule[type]);
	if (length > 0 && length <= CRM_NORMALIZED_MAX)
	{
		switch (type)
		{
			case CRM_PII_PHONE:
				at = mask_phone(rule, text, length, mask);
				break;
			case CRM_PII_ID_NUMBER:
			case CRM_PII_BANK_CARD:
				at = mask_code(rule, text, length, mask);
				break;
			case CRM_PII_EMAIL:
				at = mask_email(rule, text, length, mask);
				break;
			case CRM_PII_PERSON_NAME:
				at = mask_name(rule, text, length, mask);
				break;
			case CRM_PII_POSTAL_ADDRESS:
				at = mask_address(rule, text, length, mask);
				break;
			default:
				break;
		}
	}
	if (at == 0)
		at = put_nothing(mask);
	mask[at] = '\0';
	return at;
}
