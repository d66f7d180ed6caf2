/*
 * match_cn_phone_core.c: comparison kind cn_phone, numbers as they are written down:
 * with and without +86, in groups, masked, with a digit mistyped.  Numbers that no
 * plan knows are compared too, since customers' records are full of them.
 */
#include "ident/ident_core.h"
#include "match_cn_core.h"
#include "match_text_core.h"

#define PHONE_DIGITS 24
#define PHONE_LEAST 5			/* fewer digits are no number */
#define MASKED_LEAST 6			/* digits that a masked number must show */

typedef enum PhoneLevel
{
	PHONE_MISSING,
	PHONE_EXACT,
	PHONE_MASKED,
	PHONE_TYPO,
	PHONE_LOCAL,
	PHONE_DIFFERENT
} PhoneLevel;

static const char *const phone_level[] = {
	"missing", "exact", "masked", "typo", "local", "different", NULL
};

typedef enum PhoneFamily
{
	FAMILY_FULL,
	FAMILY_MASKED,
	FAMILY_LOCAL,
	FAMILY_FIRST
} PhoneFamily;

static const char *const phone_family[] = {"full", "masked", "last8", "first7", NULL};

/* The prepared value is the number itself: digits, and * where one is hidden. */

/* What separates one number from the next in a field. */
static bool
parts_numbers(uint32_t point)
{
	return point == '/' || point == ',' || point == ';' || point == 0x3001 || point == '|';
}

/* What leads to an extension, which is no part of what is compared. */
static bool
leads_to_extension(uint32_t point)
{
	return point == 0x8F6C || point == 0x8F49 || point == 0x5206 || point == '#' || point == 'e' || point == 'E';
}

/* Digits and masks of the first number in the text. */
static size_t
read_digits(const char *text, size_t length, char *out)
{
	size_t		used = 0;

	for (size_t i = 0; i < length && used < PHONE_DIGITS;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (bytes == 0)
			break;
		i += bytes;
		point = crm_fold_point(point);
		if (point < 0x80 && crm_is_digit((char) point))
			out[used++] = (char) point;
		else if (used > 0 && (point == '*' || ((point == 'x' || point == 'X') && used < 8 && used > 2)))
			out[used++] = '*';
		else if (used >= 7 && (parts_numbers(point) || leads_to_extension(point)))
			break;
	}
	return used;
}

/* Whether eleven places are those of a Chinese mobile number. */
static bool
is_mobile(const char *digits, size_t length)
{
	return length == 11 && digits[0] == '1' && digits[1] >= '3' && digits[1] <= '9';
}

/* Take 0086, 86 and the trunk zero off the front. */
static size_t
national_digits(char *digits, size_t length)
{
	size_t		skip = 0;

	while (skip < length && digits[skip] == '0')
		skip++;
	/* After zeros or before a mobile number 86 is the country. */
	if (length - skip > 10 && digits[skip] == '8' && digits[skip + 1] == '6' &&
		(skip > 1 || is_mobile(digits + skip + 2, length - skip - 2) || length - skip > 11))
	{
		skip += 2;
		while (skip < length && digits[skip] == '0')
			skip++;
	}
	memmove(digits, digits + skip, length - skip);
	return length - skip;
}

/* One digit over and over, or a mere run: typed to fill the field. */
static bool
is_filler(const char *digits, size_t length)
{
	size_t		same = 1;

	while (same < length && digits[same] == digits[0])
		same++;
	return same == length || (length >= 10 && same == length - 1);
}

static size_t
phone_prepare(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	char		digits[PHONE_DIGITS];
	size_t		used = read_digits(text, length, digits);
	size_t		shown = 0;

	(void) arg;
	used = national_digits(digits, used);
	for (size_t i = 0; i < used; i++)
		shown += digits[i] != '*';
	if (used < PHONE_LEAST || used > room || shown < PHONE_LEAST || is_filler(digits, used))
		return 0;
	memcpy(out, digits, used);
	return used;
}

static bool
has_mask(const unsigned char *digits, size_t length)
{
	return memchr(digits, '*', length) != NULL;
}

/* Digits shown on both sides, -1 when two of them differ. */
static int
shown_alike(const unsigned char *a, const unsigned char *b, size_t length)
{
	int			shown = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (a[i] == '*' || b[i] == '*')
			continue;
		if (a[i] != b[i])
			return -1;
		shown++;
	}
	return shown;
}

static int
phone_compare(const CrmMatchArg *arg, const unsigned char *a, size_t a_length,
			  const unsigned char *b, size_t b_length)
{
	size_t		tail;

	(void) arg;
	if (a_length == b_length && memcmp(a, b, a_length) == 0)
		return has_mask(a, a_length) ? PHONE_MASKED : PHONE_EXACT;
	if (has_mask(a, a_length) || has_mask(b, b_length))
		return a_length == b_length && shown_alike(a, b, a_length) >= MASKED_LEAST ? PHONE_MASKED : PHONE_DIFFERENT;
	/* One digit wrong, left out or doubled, or two neighbours exchanged. */
	if (a_length >= 8 && b_length >= 8 && crm_one_edit_bytes(a, a_length, b, b_length))
		return PHONE_TYPO;
	/* A number without its area code, or with another's. */
	tail = a_length < b_length ? a_length : b_length;
	if (tail > 8)
		tail = 8;
	if (tail >= 7 && memcmp(a + a_length - tail, b + b_length - tail, tail) == 0)
		return PHONE_LOCAL;
	return PHONE_DIFFERENT;
}

static uint64_t
phone_term(const unsigned char *value, size_t length, int level)
{
	return level == PHONE_EXACT ? crm_match_hash(value, length, 0) : 0;
}

static int
phone_keys(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	unsigned char edge[7];
	int			used = 0;

	if (!has_mask(value, length))
		used = crm_match_cn_piece(key, used, room, FAMILY_FULL, value, length);
	if (length >= 10 && !has_mask(value, 3) && !has_mask(value + length - 4, 4))
	{
		memcpy(edge, value, 3);
		memcpy(edge + 3, value + length - 4, 4);
		used = crm_match_cn_piece(key, used, room, FAMILY_MASKED, edge, 7);
	}
	if (length >= 8 && !has_mask(value + length - 8, 8))
		used = crm_match_cn_piece(key, used, room, FAMILY_LOCAL, value + length - 8, 8);
	/* Of a mobile number: with the masked form it finds every single typo. */
	if (length == 11 && !has_mask(value, 7))
		used = crm_match_cn_piece(key, used, room, FAMILY_FIRST, value, 7);
	return used;
}

const CrmMatchKind crm_match_cn_phone = {
	"cn_phone", phone_level, phone_family, phone_prepare, phone_compare, phone_term, phone_keys
};
