/*
 * pii_value_core.c: judge and normalise a plain value with room ident.
 */
#include "pii_value_core.h"

#include <string.h>

#include "pii_mask_core.h"

/* The kinds of document that an identity number can be, in the order tried. */
static const CrmKind document_kind[] = {
	CRM_KIND_RESIDENT_ID,
	CRM_KIND_PASSPORT,
	CRM_KIND_PERMIT_TO_HK_MACAU,
	CRM_KIND_PERMIT_TO_TAIWAN,
	CRM_KIND_HK_MACAU_RESIDENT_PERMIT,
	CRM_KIND_TAIWAN_RESIDENT_PERMIT,
	CRM_KIND_HK_ID,
	CRM_KIND_TW_ID,
	CRM_KIND_USCC
};

/*
 * Would storing this text store a mask?  An asterisk stands in no phone, number,
 * name or address; it may stand in a private text, whose one mask is three of them.
 */
bool
crm_pii_is_mask(CrmPiiType type, const char *text, size_t length)
{
	if (type == CRM_PII_PRIVATE_TEXT)
		return length == sizeof(CRM_MASK_NOTHING) - 1 &&
			memcmp(text, CRM_MASK_NOTHING, length) == 0;
	return memchr(text, '*', length) != NULL;
}

static bool
is_all_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

/*
 * A resident's number with one wrong digit is a valid credit code now and then.
 * So seventeen digits with a century of birth inside are never tried as one, and
 * other digits only pass when their inner organisation code is right too.
 */
static bool
credit_code_likely(const char *text, size_t length, const CrmVerdict *verdict)
{
	if (length != 18 || !is_all_digits(text, 17))
		return true;
	if (memcmp(text + 6, "19", 2) == 0 || memcmp(text + 6, "20", 2) == 0)
		return false;
	return !verdict->organization_code_differs && !verdict->region_unknown;
}

/*
 * Any identity document.  When none fits, the reason is that of the resident's
 * number where the text is as long as one; else only the form is known wrong.
 */
static bool
normalize_document(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmReason	first = CRM_REASON_FORM;

	for (size_t i = 0; i < sizeof(document_kind) / sizeof(document_kind[0]); i++)
	{
		if (crm_ident_validate(document_kind[i], text, length, verdict) &&
			(document_kind[i] != CRM_KIND_USCC ||
			 credit_code_likely(verdict->normalized, verdict->length, verdict)))
			return true;
		if (i == 0 && (length >= 15 || verdict->reason == CRM_REASON_EMPTY ||
					   verdict->reason == CRM_REASON_ENCODING))
			first = verdict->reason;
	}
	verdict->reason = first;
	return false;
}

/* The code point at text[i], false when it is no UTF-8; *n is its bytes. */
static bool
decode(const char *text, size_t left, uint32_t *point, size_t *n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char) *text;

	*n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 :
		c >= 0xF0 && c < 0xF5 ? 4 : 0;
	if (*n == 0 || *n > left)
		return false;
	*point = *n == 1 ? c : (uint32_t) (c & (0x7F >> *n));
	for (size_t i = 1; i < *n; i++)
	{
		if (((unsigned char) text[i] & 0xC0) != 0x80)
			return false;
		*point = *point << 6 | ((unsigned char) text[i] & 0x3F);
	}
	return *point >= least[*n] && *point <= 0x10FFFF && !(*point >= 0xD800 && *point < 0xE000);
}

static bool
is_space(uint32_t point)
{
	return point == ' ' || (point >= 9 && point <= 13) || point == 0x85 || point == 0xA0 ||
		(point >= 0x2000 && point <= 0x200B) || point == 0x2028 || point == 0x2029 ||
		point == 0x202F || point == 0x205F || point == 0x3000 || point == 0xFEFF;
}

/*
 * An address: any readable text.  Full-width forms become ASCII, runs of white
 * space one space, and control characters are refused.
 */
static CrmReason
fold_address(const char *text, size_t length, CrmVerdict *verdict)
{
	bool		space = false;
	size_t		out = 0;

	for (size_t i = 0, n; i < length; i += n)
	{
		uint32_t	point;

		if (!decode(text + i, length - i, &point, &n))
			return CRM_REASON_ENCODING;
		if (is_space(point))
		{
			space = out > 0;
			continue;
		}
		if (point < 0x20 || (point >= 0x7F && point < 0xA0))
			return CRM_REASON_CHARACTER;
		if (out + space + n > CRM_NORMALIZED_MAX)
			return CRM_REASON_LENGTH;
		if (space)
			verdict->normalized[out++] = ' ';
		space = false;
		if (point >= 0xFF01 && point <= 0xFF5E)
			verdict->normalized[out++] = (char) (point - 0xFF01 + 0x21);
		else
		{
			memcpy(verdict->normalized + out, text + i, n);
			out += n;
		}
	}
	verdict->normalized[out] = '\0';
	verdict->length = out;
	return out > 0 ? CRM_OK : CRM_REASON_EMPTY;
}

/*
 * Judge a plain value of any type but private_text, which takes what it gets.
 * True with verdict->normalized filled, or false with verdict->reason.
 */
bool
crm_pii_normalize(CrmPiiType type, const char *text, size_t length, CrmVerdict *verdict)
{
	switch (type)
	{
		case CRM_PII_PHONE:
			return crm_ident_validate(CRM_KIND_PHONE, text, length, verdict);
		case CRM_PII_ID_NUMBER:
			return normalize_document(text, length, verdict);
		case CRM_PII_BANK_CARD:
			return crm_ident_validate(CRM_KIND_BANK_CARD, text, length, verdict);
		case CRM_PII_EMAIL:
			return crm_ident_validate(CRM_KIND_EMAIL, text, length, verdict);
		case CRM_PII_PERSON_NAME:
			return crm_ident_validate(CRM_KIND_PERSON_NAME, text, length, verdict);
		case CRM_PII_POSTAL_ADDRESS:
			verdict->reason = fold_address(text, length, verdict);
			return verdict->reason == CRM_OK;
		default:
			verdict->reason = CRM_REASON_KIND;
			return false;
	}
}
