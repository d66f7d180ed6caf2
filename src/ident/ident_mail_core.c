/*
 * ident_mail_core.c: e-mail addresses (RFC 5321, internationalised by RFC 6531).
 */
#include "ident_core.h"

#define LOCAL_MAX 64
#define LABEL_MAX 63
#define ADDRESS_MAX 254

/* Letters outside ASCII: all but controls, private use, surrogates' leftovers. */
static bool
is_international(uint32_t point)
{
	return (point >= 0xA1 && point <= 0xD7FF && !(point >= 0x2000 && point <= 0x206F) &&
			!(point >= 0x3000 && point <= 0x3004)) ||
		(point >= 0xF900 && point <= 0xFDCF) || (point >= 0xFDF0 && point <= 0xFFEF) ||
		(point >= 0x10000 && point <= 0x1FAFF) || (point >= 0x20000 && point <= 0x323AF);
}

/* An atext character of RFC 5322. */
static bool
is_atom(char c)
{
	switch (c)
	{
		case '!':
		case '#':
		case '$':
		case '%':
		case '&':
		case '\'':
		case '*':
		case '+':
		case '-':
		case '/':
		case '=':
		case '?':
		case '^':
		case '_':
		case '`':
		case '{':
		case '|':
		case '}':
		case '~':
			return true;
		default:
			return crm_is_digit(c) || crm_is_upper(c) || (c >= 'a' && c <= 'z');
	}
}

/* A quoted local part: printable characters, quote and backslash escaped. */
static bool
quoted_local_valid(const char *text, size_t length)
{
	if (length < 3 || text[length - 1] != '"')
		return false;
	for (size_t i = 1; i < length - 1; i++)
	{
		if (text[i] == '\\')
		{
			if (++i >= length - 1)
				return false;
		}
		else if (text[i] == '"')
			return false;
	}
	return true;
}

static CrmReason
local_fault(const char *text, size_t length)
{
	if (length == 0)
		return CRM_REASON_FORM;
	if (length > LOCAL_MAX)
		return CRM_REASON_LENGTH;
	if (text[0] == '"')
		return quoted_local_valid(text, length) ? CRM_OK : CRM_REASON_FORM;
	if (text[0] == '.' || text[length - 1] == '.')
		return CRM_REASON_FORM;
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (point == '.')
		{
			if (text[i + 1] == '.')
				return CRM_REASON_FORM;
		}
		else if (point < 0x80 ? !is_atom((char) point) : !is_international(point))
			return CRM_REASON_CHARACTER;
		i += bytes;
	}
	return CRM_OK;
}

/* One label of a host name: letters, digits, hyphens inside. */
static CrmReason
label_fault(const char *text, size_t length)
{
	if (length == 0)
		return CRM_REASON_FORM;
	if (length > LABEL_MAX)
		return CRM_REASON_LENGTH;
	if (text[0] == '-' || text[length - 1] == '-')
		return CRM_REASON_FORM;
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);
		bool		ascii = crm_is_digit((char) point) || point == '-' ||
			(point >= 'a' && point <= 'z');

		if (point < 0x80 ? !ascii : !is_international(point))
			return CRM_REASON_CHARACTER;
		i += bytes;
	}
	return CRM_OK;
}

/* A top-level domain has at least two characters and is not a number. */
static bool
is_top_level(const char *label, size_t length)
{
	return length >= 2 && !crm_all_digits(label, length);
}

static CrmReason
domain_fault(const char *text, size_t length)
{
	size_t		start = 0;
	int			labels = 0;

	for (size_t i = 0; i <= length; i++)
	{
		CrmReason	reason;

		if (i < length && text[i] != '.')
			continue;
		reason = label_fault(text + start, i - start);
		if (reason != CRM_OK)
			return reason;
		labels++;
		if (i == length && !(labels > 1 && is_top_level(text + start, i - start)))
			return CRM_REASON_FORM;
		start = i + 1;
	}
	return CRM_OK;
}

/* Where the domain begins: behind the last @; 0 when there is none. */
static size_t
domain_start(const char *text, size_t length)
{
	for (size_t i = length; i > 0; i--)
	{
		if (text[i - 1] == '@')
			return i;
	}
	return 0;
}

/*
 * The local part keeps its case, since only the receiving host may fold it; the
 * domain is lower case.  A domain needs two labels: nobody gives an intranet
 * address to a company that wants to reach him.
 */
bool
crm_email_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	char		folded[ADDRESS_MAX + 8];
	size_t		used;
	size_t		domain;
	CrmReason	reason = crm_fold_text(text, length, folded, sizeof(folded), &used);

	if (reason == CRM_OK && used > ADDRESS_MAX)
		reason = CRM_REASON_LENGTH;
	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	domain = domain_start(folded, used);
	if (domain == 0)
		return crm_verdict_refuse(verdict, CRM_REASON_FORM);
	for (size_t i = domain; i < used; i++)
	{
		if (crm_is_upper(folded[i]))
			folded[i] += 'a' - 'A';
	}
	reason = local_fault(folded, domain - 1);
	if (reason == CRM_OK)
		reason = domain_fault(folded + domain, used - domain);
	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	return crm_verdict_accept(verdict, folded, used);
}
