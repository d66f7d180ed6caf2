#include "intake_core.h"

#include <string.h>

static const char *const field_names[CRM_FIELD_COUNT] = {
	"kind", "name", "document_kind", "document_number", "sex", "birth_date",
	"phone", "email", "bank_card", "address", "occupation", "industry",
	"legal_representative", "contact_name", "external_system", "external_id",
	"contact"
};

static const char *const kind_names[CRM_CUSTOMER_KINDS] = {
	"individual", "organization", "group"
};

/* The words that files use for the three kinds, besides the names above. */
static const struct
{
	const char *word;
	CrmCustomerKind kind;
}			kind_words[] = {
	{"个人", CRM_INDIVIDUAL}, {"个人客户", CRM_INDIVIDUAL},
	{"企业", CRM_ORGANIZATION}, {"企业客户", CRM_ORGANIZATION},
	{"单位", CRM_ORGANIZATION}, {"商业客户", CRM_ORGANIZATION},
	{"集团", CRM_GROUP}, {"集团客户", CRM_GROUP}
};

static const struct
{
	const char *word;
	char		sex;
}			sex_words[] = {
	{"M", 'M'}, {"F", 'F'}, {"m", 'M'}, {"f", 'F'}, {"男", 'M'}, {"女", 'F'},
	{"male", 'M'}, {"female", 'F'}, {"Male", 'M'}, {"Female", 'F'}
};

static bool
same(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

const char *
crm_field_name(CrmField field)
{
	return field_names[field];
}

bool
crm_field_find(const char *name, size_t length, CrmField *field)
{
	for (int i = 0; i < CRM_FIELD_COUNT; i++)
		if (same(name, length, field_names[i]))
		{
			*field = (CrmField) i;
			return true;
		}
	return false;
}

const char *
crm_customer_kind_name(CrmCustomerKind kind)
{
	return kind_names[kind];
}

bool
crm_customer_kind_find(const char *text, size_t length, CrmCustomerKind *kind)
{
	for (int i = 0; i < CRM_CUSTOMER_KINDS; i++)
		if (same(text, length, kind_names[i]))
		{
			*kind = (CrmCustomerKind) i;
			return true;
		}
	for (size_t i = 0; i < sizeof kind_words / sizeof kind_words[0]; i++)
		if (same(text, length, kind_words[i].word))
		{
			*kind = kind_words[i].kind;
			return true;
		}
	return false;
}

/* Only spaces, ASCII or ideographic: the same as nothing. */
bool
crm_text_is_blank(const char *text, size_t length)
{
	size_t		i = 0;

	while (i < length)
	{
		if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
			i++;
		else if (length - i >= 3 && memcmp(text + i, "\xE3\x80\x80", 3) == 0)
			i += 3;
		else
			return false;
	}
	return true;
}

/* Control characters and U+FFFD, which stands where a character was lost. */
bool
crm_text_has_control(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c < 0x20 || c == 0x7F)
			return true;
		if (c == 0xC2 && i + 1 < length && (unsigned char) text[i + 1] < 0xA0)
			return true;
		if (c == 0xEF && length - i >= 3 && memcmp(text + i, "\xEF\xBF\xBD", 3) == 0)
			return true;
	}
	return false;
}

/* Whether a character of the block U+3400..U+9FFF stands in the UTF-8 text. */
bool
crm_text_has_han(const char *text, size_t length)
{
	for (size_t i = 0; i + 2 < length; i++)
	{
		unsigned char c = (unsigned char) text[i];
		unsigned char next = (unsigned char) text[i + 1];

		if ((c >= 0xE4 && c <= 0xE9) || (c == 0xE3 && next >= 0x90))
			return true;
	}
	return false;
}

bool
crm_sex_read(const char *text, size_t length, char *sex)
{
	for (size_t i = 0; i < sizeof sex_words / sizeof sex_words[0]; i++)
		if (same(text, length, sex_words[i].word))
		{
			*sex = sex_words[i].sex;
			return true;
		}
	return false;
}

static bool
date_is_real(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (year < 1850 || year > 9999 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Step over one separator of a written date: - / . 年 月 */
static size_t
separator(const char *text, size_t length)
{
	if (length >= 1 && (text[0] == '-' || text[0] == '/' || text[0] == '.'))
		return 1;
	if (length >= 3 && (memcmp(text, "年", 3) == 0 || memcmp(text, "月", 3) == 0))
		return 3;
	return 0;
}

static size_t
number(const char *text, size_t length, size_t most, int *value)
{
	size_t		i = 0;

	for (*value = 0; i < length && i < most && text[i] >= '0' && text[i] <= '9'; i++)
		*value = *value * 10 + (text[i] - '0');
	return i;
}

/*
 * Read year, month and day in this order, all digits together or with
 * separators.  Day-first dates are refused, not guessed.
 */
bool
crm_date_read(const char *text, size_t length, int32_t *yyyymmdd)
{
	int			part[3];
	size_t		at = 0;
	bool		together = length == 8;

	for (int i = 0; i < 3; i++)
	{
		size_t		digits = number(text + at, length - at, i == 0 ? 4 : 2, &part[i]);

		if (digits == 0 || (i == 0 && digits != 4))
			return false;
		at += digits;
		if (i < 2)
		{
			size_t		step = separator(text + at, length - at);

			if (step == 0 && !together)
				return false;
			at += step;
		}
	}
	if (length - at == 3 && memcmp(text + at, "日", 3) == 0)
		at = length;
	if (at != length || !date_is_real(part[0], part[1], part[2]))
		return false;
	*yyyymmdd = part[0] * 10000 + part[1] * 100 + part[2];
	return true;
}
