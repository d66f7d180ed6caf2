/*
 * ident_fold_core.c: one way of writing for what people write in many.
 *
 * The tables cover what turns up in forms: the full-width block, the spaces,
 * dashes and invisible marks of Unicode, and the dots of minority names.  That
 * is the part of NFKC that matters here, without a normalisation library.
 */
#include "ident_core.h"

/*
 * Decode one code point; 0 when the bytes are no UTF-8.
 *
 * Overlong forms and surrogates are refused, since two spellings of one
 * character would defeat every comparison that follows.
 */
size_t
crm_utf8_decode(const char *text, size_t length, uint32_t *point)
{
	const unsigned char *s = (const unsigned char *) text;
	uint32_t	value;
	size_t		bytes;

	if (length == 0)
		return 0;
	if (s[0] < 0x80)
	{
		*point = s[0];
		return 1;
	}
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	bytes = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (length < bytes)
		return 0;
	value = s[0] & (0xFF >> (bytes + 1));
	for (size_t i = 1; i < bytes; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		value = value << 6 | (s[i] & 0x3F);
	}
	if ((bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000) ||
		(value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF)
		return 0;
	*point = value;
	return bytes;
}

/* Write one code point, up to four bytes. */
size_t
crm_utf8_encode(uint32_t point, char *out)
{
	if (point < 0x80)
	{
		out[0] = (char) point;
		return 1;
	}
	if (point < 0x800)
	{
		out[0] = (char) (0xC0 | point >> 6);
		out[1] = (char) (0x80 | (point & 0x3F));
		return 2;
	}
	if (point < 0x10000)
	{
		out[0] = (char) (0xE0 | point >> 12);
		out[1] = (char) (0x80 | (point >> 6 & 0x3F));
		out[2] = (char) (0x80 | (point & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | point >> 18);
	out[1] = (char) (0x80 | (point >> 12 & 0x3F));
	out[2] = (char) (0x80 | (point >> 6 & 0x3F));
	out[3] = (char) (0x80 | (point & 0x3F));
	return 4;
}

/* Spaces of every width that are not the ASCII one. */
static bool
is_wide_space(uint32_t point)
{
	return point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) ||
		point == 0x2028 || point == 0x2029 || point == 0x202F || point == 0x205F ||
		point == 0x3000 || point == 0x85;
}

/* Marks that print nothing: joiners, direction marks, variation selectors. */
static bool
is_invisible(uint32_t point)
{
	return point == 0xAD || point == 0x180E || (point >= 0x200B && point <= 0x200F) ||
		(point >= 0x202A && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) ||
		(point >= 0xFE00 && point <= 0xFE0F) || point == 0xFEFF ||
		(point >= 0xE0100 && point <= 0xE01EF);
}

/* What looks like a hyphen and is typed as one. */
static bool
is_dash(uint32_t point)
{
	return (point >= 0x2010 && point <= 0x2015) || point == 0x2043 || point == 0x2212 ||
		point == 0x2500 || point == 0x2501 || point == 0xFE31 || point == 0xFE32 ||
		point == 0xFE58 || point == 0xFE63 || point == 0x02D7;
}

/*
 * Fold one code point: 0 when it prints nothing, ' ' for any space, '-' for any
 * dash, the ASCII form of a full-width character, else itself.
 */
uint32_t
crm_fold_point(uint32_t point)
{
	if (point < 0x80)
		return point == '\t' || point == '\n' || point == '\r' || point == '\v' ||
			point == '\f' ? ' ' : point;
	/* Han and its neighbours, the most frequent, have nothing to fold. */
	if (point >= 0x3001 && point < 0xFE00)
		return point;
	if (point >= 0xFF01 && point <= 0xFF5E)
		return point - 0xFEE0;
	if (is_wide_space(point))
		return ' ';
	if (is_invisible(point))
		return 0;
	if (is_dash(point))
		return '-';
	return point;
}

/* Han: the unified blocks and their extensions, the iteration mark, and 〇. */
bool
crm_is_han(uint32_t point)
{
	return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3400 && point <= 0x4DBF) ||
		(point >= 0x20000 && point <= 0x323AF) || (point >= 0xF900 && point <= 0xFAFF) ||
		point == 0x3007 || point == 0x3005;
}

/* Add one folded code point to a code; spaces and dashes vanish. */
static CrmReason
add_to_code(CrmCode *code, uint32_t point)
{
	if (point == ' ' || point == '-' || point == 0)
		return CRM_OK;
	if (point >= 0x7F || point < ' ')
		return CRM_REASON_CHARACTER;
	if (code->length >= CRM_CODE_MAX)
		return CRM_REASON_LENGTH;
	if (point >= 'a' && point <= 'z')
		point -= 'a' - 'A';
	code->text[code->length++] = (char) point;
	return CRM_OK;
}

/*
 * Fold what should be a code: upper case, no spaces and no dashes, ASCII only.
 */
CrmReason
crm_fold_code(const char *text, size_t length, CrmCode *code)
{
	CrmReason	reason = CRM_OK;

	code->length = 0;
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);
		CrmReason	here;

		if (bytes == 0)
			return CRM_REASON_ENCODING;
		i += bytes;
		if (point == 0)
			return CRM_REASON_CHARACTER;
		here = add_to_code(code, crm_fold_point(point));
		if (here == CRM_REASON_LENGTH)
			return here;
		if (here != CRM_OK)
			reason = here;
	}
	code->text[code->length] = '\0';
	if (reason == CRM_OK && code->length == 0)
		return CRM_REASON_EMPTY;
	return reason;
}

/*
 * Fold running text: full-width ASCII narrowed, invisible marks dropped, runs
 * of spaces made one, none at the ends.  Letters keep their case.
 */
CrmReason
crm_fold_text(const char *text, size_t length, char *out, size_t room,
			  size_t *out_length)
{
	size_t		used = 0;
	bool		space = false;

	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes;

		/* Plain ASCII stays as it is. */
		if (!space && text[i] > ' ' && text[i] < 0x7F && used + 6 <= room)
		{
			out[used++] = text[i++];
			continue;
		}
		bytes = crm_utf8_decode(text + i, length - i, &point);
		if (bytes == 0)
			return CRM_REASON_ENCODING;
		i += bytes;
		if (point < ' ' && crm_fold_point(point) != ' ')
			return CRM_REASON_CHARACTER;
		point = crm_fold_point(point);
		if (point == 0)
			continue;
		if (point == ' ')
		{
			space = used > 0;
			continue;
		}
		if (used + 6 > room)
			return CRM_REASON_LENGTH;
		if (space)
			out[used++] = ' ';
		space = false;
		used += crm_utf8_encode(point, out + used);
	}
	out[used] = '\0';
	*out_length = used;
	return used == 0 ? CRM_REASON_EMPTY : CRM_OK;
}

/* A real day of the Gregorian calendar. */
bool
crm_date_real(int32_t year, int32_t month, int32_t day)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int32_t		last;

	if (month < 1 || month > 12 || day < 1)
		return false;
	last = days[month - 1];
	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		last = 29;
	return day <= last;
}

/* Luhn's check (ISO/IEC 7812-1 annex B) over digits. */
bool
crm_luhn(const char *digits, size_t length)
{
	int			sum = 0;

	for (size_t i = 0; i < length; i++)
	{
		int			digit = digits[length - 1 - i] - '0';

		if (i % 2 == 1)
			digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
		sum += digit;
	}
	return sum % 10 == 0;
}

/* ISO 7064 MOD 97-10 over digits and capital letters, A = 10 ... Z = 35. */
int
crm_mod97(const char *text, size_t length, int remainder)
{
	for (size_t i = 0; i < length; i++)
	{
		if (crm_is_digit(text[i]))
			remainder = (remainder * 10 + (text[i] - '0')) % 97;
		else
			remainder = (remainder * 100 + (text[i] - 'A' + 10)) % 97;
	}
	return remainder;
}

/* Copy a short text, cut at a whole character when it does not fit. */
void
crm_copy_text(char *out, size_t room, const char *text)
{
	size_t		length = strlen(text);

	if (length >= room)
	{
		length = room - 1;
		while (length > 0 && ((unsigned char) text[length] & 0xC0) == 0x80)
			length--;
	}
	memcpy(out, text, length);
	out[length] = '\0';
}

/* Empty the facts; the large buffer only needs its first byte. */
void
crm_verdict_begin(CrmVerdict *verdict)
{
	verdict->reason = CRM_OK;
	verdict->length = 0;
	verdict->normalized[0] = '\0';
	verdict->region = 0;
	verdict->birth_date = 0;
	verdict->sex = 0;
	verdict->type[0] = '\0';
	verdict->extension[0] = '\0';
	verdict->country[0] = '\0';
	verdict->issuer[0] = '\0';
	verdict->network[0] = '\0';
	verdict->was_15_digits = false;
	verdict->region_withdrawn = false;
	verdict->region_withdrawn_before_birth = false;
	verdict->region_unknown = false;
	verdict->category_unknown = false;
	verdict->organization_code_differs = false;
}

bool
crm_verdict_refuse(CrmVerdict *verdict, CrmReason reason)
{
	crm_verdict_begin(verdict);
	verdict->reason = reason;
	return false;
}

bool
crm_verdict_accept(CrmVerdict *verdict, const char *text, size_t length)
{
	if (length > CRM_NORMALIZED_MAX)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	memcpy(verdict->normalized, text, length);
	verdict->normalized[length] = '\0';
	verdict->length = length;
	verdict->reason = CRM_OK;
	return true;
}
