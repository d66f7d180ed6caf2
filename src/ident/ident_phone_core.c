/*
 * ident_phone_core.c: telephone numbers, Chinese ones first.
 *
 * A number is read into digits, groups and an extension; then the numbering
 * plans decide (phone_table.inc, an automaton over the national number of every
 * country).  China's short codes and thirteen-digit numbers of machines are no
 * part of those plans and have rules of their own here.
 */
#include "ident_core.h"

/* A calling code, its first state, trunk prefix and countries. */
typedef struct PhoneCode
{
	char		code[4];
	uint16_t	state;
	char		prefix[4];
	uint16_t	country;
	uint16_t	countries;
} PhoneCode;

#include "phone_table.inc"

#define PHONE_CODES (sizeof(phone_code) / sizeof(phone_code[0]))
#define PHONE_DIGITS 24
#define EXTENSION_DIGITS 8
#define TYPE_FIXED_LINE 0

/* What is read off the paper, before any numbering plan is asked. */
typedef struct PhoneText
{
	char		digits[PHONE_DIGITS + 1];
	size_t		length;
	size_t		last_group;		/* digits before the last dash, 0 if there is none */
	bool		plus;
	char		extension[EXTENSION_DIGITS + 1];
	size_t		extension_length;
} PhoneText;

/* What the plans say of a number. */
typedef struct PhonePlan
{
	const PhoneCode *code;
	const char *national;
	size_t		length;
	uint16_t	label;
} PhonePlan;

/* Words that stand before a number and say no more than that it is one. */
static const char *const phone_label_word[] = {
	"tel", "phone", "mobile", "cell", "fax", "t", "m", "p", "电话", "手机", "联系电话", "手机号",
	"电话号码", "手机号码", "联系方式", "座机", "固话", "传真", "热线", "電話", "手機", "聯繫電話",
};

/* Words that lead to an extension, the longer ones first. */
static const char *const extension_word[] = {
	"转分机号", "转分机", "分机号", "分机", "轉分機", "分機", "转", "轉", "内线", "extension", "ext.",
	";ext=", "ext", "x", "#",
};

/* Bytes of the word if the text begins with it, in any case; else 0. */
static size_t
starts_with(const char *text, size_t length, const char *word)
{
	size_t		i;

	for (i = 0; word[i] != '\0'; i++)
	{
		if (i == length ||
			(crm_is_upper(text[i]) ? (char) (text[i] + 'a' - 'A') : text[i]) != word[i])
			return 0;
	}
	return i;
}

/* What a number itself is written with. */
static bool
is_number_sign(char c)
{
	return crm_is_digit(c) || c == '-' || c == ' ' || c == '(' || c == ')' || c == '+' || c == '.';
}

/* Bytes of a leading label such as "Tel:", 0 when there is none. */
static size_t
label_length(const char *text, size_t length)
{
	if (length > 0 && is_number_sign(text[0]))
		return 0;
	for (size_t i = 0; i < sizeof(phone_label_word) / sizeof(phone_label_word[0]); i++)
	{
		size_t		bytes = starts_with(text, length, phone_label_word[i]);

		while (bytes > 0 && bytes < length && text[bytes] == ' ')
			bytes++;
		if (bytes > 0 && bytes < length && text[bytes] == ':')
			return bytes + 1;
	}
	return 0;
}

static size_t
extension_word_length(const char *text, size_t length)
{
	if (is_number_sign(text[0]))
		return 0;
	for (size_t i = 0; i < sizeof(extension_word) / sizeof(extension_word[0]); i++)
	{
		size_t		bytes = starts_with(text, length, extension_word[i]);

		if (bytes > 0)
			return bytes;
	}
	return 0;
}

/* Read the digits of an extension up to the end of the text. */
static CrmReason
read_extension(const char *text, size_t length, PhoneText *phone)
{
	for (size_t i = 0; i < length; i++)
	{
		if (crm_is_digit(text[i]))
		{
			if (phone->extension_length == EXTENSION_DIGITS)
				return CRM_REASON_LENGTH;
			phone->extension[phone->extension_length++] = text[i];
		}
		else if (text[i] != ' ' && text[i] != ':' && text[i] != '.' && text[i] != '-')
			return CRM_REASON_CHARACTER;
	}
	phone->extension[phone->extension_length] = '\0';
	return phone->extension_length == 0 ? CRM_REASON_FORM : CRM_OK;
}

/* A remark in brackets at the end, "13800138000(Mr Zhang)", is not the number. */
static size_t
without_remark(const char *text, size_t length)
{
	size_t		open = length;

	if (length == 0 || text[length - 1] != ')')
		return length;
	while (open > 0 && text[open - 1] != '(')
		open--;
	if (open <= 1)
		return length;
	for (size_t i = open; i < length - 1; i++)
	{
		if (crm_is_digit(text[i]))
			return length;
	}
	for (open--; open > 0 && text[open - 1] == ' ';)
		open--;
	return open;
}

/* Take one sign of the number itself. */
static CrmReason
read_sign(char c, PhoneText *phone)
{
	if (crm_is_digit(c))
	{
		if (phone->length == PHONE_DIGITS)
			return CRM_REASON_LENGTH;
		phone->digits[phone->length++] = c;
		return CRM_OK;
	}
	if (c == '+')
	{
		if (phone->plus || phone->length > 0)
			return CRM_REASON_FORM;
		phone->plus = true;
		return CRM_OK;
	}
	if (c == '-')
		phone->last_group = phone->length;
	return c == '-' || c == ' ' || c == '(' || c == ')' || c == '.' ? CRM_OK : CRM_REASON_CHARACTER;
}

/* Take a folded text apart into digits and extension. */
static CrmReason
read_phone(const char *text, size_t length, PhoneText *phone)
{
	size_t		i = label_length(text, length);
	CrmReason	reason = CRM_OK;

	phone->length = phone->last_group = phone->extension_length = 0;
	phone->extension[0] = '\0';
	phone->plus = false;
	length = without_remark(text, length);
	for (; i < length && reason == CRM_OK; i++)
	{
		size_t		word = phone->length > 2 ? extension_word_length(text + i, length - i) : 0;

		if (word > 0)
		{
			reason = read_extension(text + i + word, length - i - word, phone);
			break;
		}
		reason = read_sign(text[i], phone);
	}
	phone->digits[phone->length] = '\0';
	if (reason == CRM_OK && phone->length == 0)
		return CRM_REASON_EMPTY;
	return reason;
}

/* Run the automaton over a national number: its label, 0 when unassigned. */
static uint16_t
plan_label(const PhoneCode *code, const char *digits, size_t length)
{
	uint16_t	state = code->state;

	for (size_t i = 0; i < length && state != 0; i++)
		state = phone_block[phone_state[state][0]][digits[i] - '0'];
	return phone_label[phone_state[state][1]];
}

/* Ask the plan of one calling code, with and without the trunk prefix. */
static bool
plan_national(const PhoneCode *code, const char *digits, size_t length, PhonePlan *plan)
{
	size_t		prefix = strlen(code->prefix);

	plan->code = code;
	plan->national = digits;
	plan->length = length;
	if (prefix > 0 && length > prefix && memcmp(digits, code->prefix, prefix) == 0)
	{
		plan->label = plan_label(code, digits + prefix, length - prefix);
		if (plan->label != 0)
		{
			plan->national += prefix;
			plan->length -= prefix;
			return true;
		}
	}
	plan->label = plan_label(code, digits, length);
	return plan->label != 0;
}

/* The calling code that a number begins with; codes are free of prefixes. */
static const PhoneCode *
find_code(const char *digits, size_t length)
{
	for (size_t i = 0; i < PHONE_CODES; i++)
	{
		size_t		bytes = starts_with(digits, length, phone_code[i].code);

		if (bytes > 0 && bytes < length)
			return &phone_code[i];
	}
	return NULL;
}

static const PhoneCode *
find_country(const char *country)
{
	/* Nearly every call is for China. */
	if (strcmp(country, "CN") == 0)
		return &phone_code[PHONE_CODE_CN];
	for (size_t i = 0; i < PHONE_CODES; i++)
	{
		for (int at = 0; at < phone_code[i].countries; at++)
		{
			if (strcmp(phone_country[phone_code[i].country + at], country) == 0)
				return &phone_code[i];
		}
	}
	return NULL;
}

/* What is dialled before an international number, where it is not 00. */
static const char *
exit_prefix(const PhoneCode *code)
{
	if (strcmp(code->code, "1") == 0)
		return "011";
	if (strcmp(code->code, "7") == 0)
		return "810";
	if (strcmp(code->code, "61") == 0)
		return "0011";
	if (strcmp(code->code, "81") == 0)
		return "010";
	return "00";
}

/*
 * Why a national number is in no plan.  A Chinese mobile number is known by its
 * first two digits, so a missing or doubled digit can be told from a wrong range.
 */
static CrmReason
plan_fault(const PhoneCode *code, const char *digits, size_t length)
{
	bool		mobile = strcmp(code->code, "86") == 0 && length >= 7 &&
		digits[0] == '1' && digits[1] >= '3' && digits[1] <= '9';

	return mobile && length != 11 ? CRM_REASON_LENGTH : CRM_REASON_PREFIX;
}

static CrmReason
plan_international(const char *digits, size_t length, PhonePlan *plan)
{
	const PhoneCode *code = find_code(digits, length);
	size_t		bytes;

	if (code == NULL)
		return CRM_REASON_COUNTRY;
	bytes = strlen(code->code);
	digits += bytes;
	length -= bytes;
	return plan_national(code, digits, length, plan) ? CRM_OK : plan_fault(code, digits, length);
}

/* Read digits as dialled at home: national, international, or without the plus. */
static CrmReason
plan_digits(const PhoneCode *home, bool plus, const char *digits, size_t length,
			PhonePlan *plan)
{
	const char *leave = exit_prefix(home);
	size_t		bytes = strlen(home->code);

	if (plus)
		return plan_international(digits, length, plan);
	if (plan_national(home, digits, length, plan))
		return CRM_OK;
	if (length > bytes && memcmp(digits, home->code, bytes) == 0 &&
		plan_national(home, digits + bytes, length - bytes, plan))
		return CRM_OK;
	if (length > strlen(leave) && memcmp(digits, leave, strlen(leave)) == 0)
		return plan_international(digits + strlen(leave), length - strlen(leave), plan);
	if (length > 2 && memcmp(digits, "00", 2) == 0)
		return plan_international(digits + 2, length - 2, plan);
	return plan_fault(home, digits, length);
}

/*
 * The last group after a dash may be an extension, "0571-87654321-801": when the
 * digits as a whole are no number but those before the dash are a fixed line.
 */
static CrmReason
plan_with_dash(const PhoneCode *home, PhoneText *phone, PhonePlan *plan)
{
	CrmReason	reason = plan_digits(home, phone->plus, phone->digits, phone->length, plan);
	size_t		rest = phone->length - phone->last_group;

	if (reason == CRM_OK || phone->extension_length > 0 || phone->last_group == 0 ||
		rest == 0 || rest > EXTENSION_DIGITS - 2)
		return reason;
	if (plan_digits(home, phone->plus, phone->digits, phone->last_group, plan) != CRM_OK ||
		(plan->label - 1) % 16 != TYPE_FIXED_LINE)
		return reason;
	memcpy(phone->extension, phone->digits + phone->last_group, rest);
	phone->extension[rest] = '\0';
	phone->extension_length = rest;
	return CRM_OK;
}

/* E.164, and the extension as RFC 3966 writes it, since it belongs to the number. */
static bool
accept_number(CrmVerdict *verdict, const char *code, const char *national, size_t length,
			  const PhoneText *phone)
{
	char		text[64];
	size_t		used = strlen(code);

	text[0] = '+';
	memcpy(text + 1, code, used);
	used++;
	memcpy(text + used, national, length);
	used += length;
	if (phone->extension_length > 0)
	{
		memcpy(text + used, ";ext=", 5);
		memcpy(text + used + 5, phone->extension, phone->extension_length);
		used += 5 + phone->extension_length;
		crm_copy_text(verdict->extension, sizeof(verdict->extension), phone->extension);
	}
	return crm_verdict_accept(verdict, text, used);
}

/*
 * China's numbers outside the plan.  Thirteen digits for machines: 1064x, 140,
 * 141, 144, 146, 148, 149.  Services: 95xxx(x..), 96xxx(x), 100xx, 12xxx, which have no
 * international form.
 */
static bool
is_machine_number(const char *digits, size_t length)
{
	if (length != 13 || digits[0] != '1')
		return false;
	if (memcmp(digits, "1064", 4) == 0)
		return digits[4] >= '6';
	return digits[1] == '4' && strchr("014689", digits[2]) != NULL;
}

static bool
is_service_code(const char *digits, size_t length)
{
	if (length < 5 || length > 8)
		return false;
	if (digits[0] == '9')
		return digits[1] == '5' || (digits[1] == '6' && length <= 6);
	return length == 5 && (memcmp(digits, "100", 3) == 0 || memcmp(digits, "12", 2) == 0);
}

/* The digits of a Chinese number, with +86, 0086 or 86 taken off. */
static bool
accept_chinese_special(const PhoneText *phone, CrmVerdict *verdict)
{
	const char *digits = phone->digits;
	size_t		length = phone->length;

	if (!phone->plus && length > 4 && memcmp(digits, "0086", 4) == 0)
	{
		digits += 4;
		length -= 4;
	}
	else if (length == 15 && memcmp(digits, "86", 2) == 0)
	{
		digits += 2;
		length -= 2;
	}
	else if (phone->plus)
		return false;
	crm_copy_text(verdict->country, sizeof(verdict->country), "CN");
	if (is_machine_number(digits, length))
	{
		crm_copy_text(verdict->type, sizeof(verdict->type), "machine");
		return accept_number(verdict, "86", digits, length, phone);
	}
	if (digits != phone->digits || phone->extension_length > 0 || !is_service_code(digits, length))
		return false;
	crm_copy_text(verdict->type, sizeof(verdict->type), "service_code");
	return crm_verdict_accept(verdict, digits, length);
}

bool
crm_phone_parse(const char *text, size_t length, const char *country, CrmVerdict *verdict)
{
	char		folded[128];
	size_t		used;
	PhoneText	phone;
	PhonePlan	plan;
	const PhoneCode *home = find_country(country);
	CrmReason	reason;

	crm_verdict_begin(verdict);
	if (home == NULL)
		return crm_verdict_refuse(verdict, CRM_REASON_COUNTRY);
	reason = crm_fold_text(text, length, folded, sizeof(folded) - 1, &used);
	if (reason == CRM_OK)
		reason = read_phone(folded, used, &phone);
	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	reason = plan_with_dash(home, &phone, &plan);
	if (reason != CRM_OK)
	{
		if (strcmp(home->code, "86") == 0 && accept_chinese_special(&phone, verdict))
			return true;
		if (phone.length < 5 || phone.length > 17)
			reason = CRM_REASON_LENGTH;
		return crm_verdict_refuse(verdict, reason);
	}
	crm_copy_text(verdict->type, sizeof(verdict->type), phone_type[(plan.label - 1) % 16]);
	crm_copy_text(verdict->country, sizeof(verdict->country),
				  phone_country[plan.code->country + (plan.label - 1) / 16]);
	return accept_number(verdict, plan.code->code, plan.national, plan.length, &phone);
}

bool
crm_phone_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	return crm_phone_parse(text, length, "CN", verdict);
}
