/*
 * ident_card_core.c: bank cards: length, Luhn's digit, network, bank and type.
 */
#include "ident_core.h"

/* A range of leading digits, both ends with the same number of digits. */
typedef struct CardRange
{
	int32_t		first;
	int32_t		last;
	unsigned char digits;
	const char *network;
} CardRange;

/*
 * Issuer ranges of ISO/IEC 7812 networks; the longest prefix is looked at
 * first, so UnionPay's share of 62 stands before its neighbours.
 */
static const CardRange card_range[] = {
	{622126, 622925, 6, "unionpay"},
	{506099, 506198, 6, "verve"},
	{650002, 650027, 6, "verve"},
	{507865, 507964, 6, "verve"},
	{506699, 506778, 6, "elo"},
	{509000, 509999, 6, "elo"},
	{650031, 650033, 6, "elo"},
	{650035, 650051, 6, "elo"},
	{650405, 650439, 6, "elo"},
	{650485, 650538, 6, "elo"},
	{650541, 650598, 6, "elo"},
	{650700, 650718, 6, "elo"},
	{650720, 650727, 6, "elo"},
	{650901, 650978, 6, "elo"},
	{651652, 651679, 6, "elo"},
	{655000, 655019, 6, "elo"},
	{655021, 655058, 6, "elo"},
	{637095, 637095, 6, "hiper"},
	{637568, 637568, 6, "hiper"},
	{637599, 637599, 6, "hiper"},
	{637609, 637609, 6, "hiper"},
	{637612, 637612, 6, "hiper"},
	{606282, 606282, 6, "hipercard"},
	{2200, 2204, 4, "mir"},
	{2221, 2720, 4, "mastercard"},
	{3528, 3589, 4, "jcb"},
	{2131, 2131, 4, "jcb"},
	{1800, 1800, 4, "jcb"},
	{6011, 6011, 4, "discover"},
	{300, 305, 3, "diners_club"},
	{644, 649, 3, "discover"},
	{34, 34, 2, "american_express"},
	{37, 37, 2, "american_express"},
	{36, 36, 2, "diners_club"},
	{38, 39, 2, "diners_club"},
	{51, 55, 2, "mastercard"},
	{62, 62, 2, "unionpay"},
	{81, 81, 2, "unionpay"},
	{65, 65, 2, "discover"},
	{50, 50, 2, "maestro"},
	{56, 59, 2, "maestro"},
	{63, 63, 2, "maestro"},
	{67, 67, 2, "maestro"},
	{4, 4, 1, "visa"},
	{6, 6, 1, "maestro"},
};

/* The banks of China by the first digits of their cards. */
typedef struct CardIssuer
{
	int64_t		prefix;
	uint8_t		digits;
	uint8_t		length;			/* of the whole number */
	uint8_t		bank;
	uint8_t		type;
} CardIssuer;

#include "card_table.inc"

#define CARD_ISSUERS ((int) (sizeof(card_issuer) / sizeof(card_issuer[0])))

/* Order of the table: longer prefixes first, then by prefix and length. */
static bool
stands_before(const CardIssuer *row, uint8_t digits, int64_t prefix, size_t length)
{
	if (row->digits != digits)
		return row->digits > digits;
	if (row->prefix != prefix)
		return row->prefix < prefix;
	return row->length < length;
}

/* The bank that issues cards of this prefix and length, NULL when unknown. */
static const CardIssuer *
find_issuer(const char *digits, size_t length)
{
	int64_t		prefix = 0;
	int64_t		prefixes[11];

	for (int i = 0; i < 10; i++)
	{
		prefix = prefix * 10 + (digits[i] - '0');
		prefixes[i + 1] = prefix;
	}
	for (uint8_t bytes = 10; bytes >= 3; bytes--)
	{
		int			low = 0;
		int			high = CARD_ISSUERS;

		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (stands_before(&card_issuer[middle], bytes, prefixes[bytes], length))
				low = middle + 1;
			else
				high = middle;
		}
		if (low < CARD_ISSUERS && card_issuer[low].digits == bytes &&
			card_issuer[low].prefix == prefixes[bytes] && card_issuer[low].length == length)
			return &card_issuer[low];
	}
	return NULL;
}

static const char *
card_network(const char *digits)
{
	for (size_t i = 0; i < sizeof(card_range) / sizeof(card_range[0]); i++)
	{
		const CardRange *range = &card_range[i];
		int32_t		prefix = crm_digits_value(digits, range->digits);

		if (prefix >= range->first && prefix <= range->last)
			return range->network;
	}
	return "";
}

bool
crm_bank_card_clean(const char *text, size_t length)
{
	return length >= 12 && length <= 19 && crm_all_digits(text, length) && crm_luhn(text, length);
}

/*
 * ISO/IEC 7812: 12 to 19 digits of which the last is Luhn's.  An unknown network
 * is no fault: domestic cards outside the international ranges are in use.
 */
bool
crm_bank_card_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	CrmCode		code;
	CrmReason	reason = crm_fold_code(text, length, &code);
	const CardIssuer *issuer;

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	if (!crm_all_digits(code.text, code.length))
		return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	if (code.length < 12 || code.length > 19)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (!crm_luhn(code.text, code.length))
		return crm_verdict_refuse(verdict, CRM_REASON_CHECK_DIGIT);
	crm_copy_text(verdict->network, sizeof(verdict->network), card_network(code.text));
	issuer = find_issuer(code.text, code.length);
	if (issuer != NULL)
	{
		crm_copy_text(verdict->type, sizeof(verdict->type), card_type[issuer->type]);
		crm_copy_text(verdict->issuer, sizeof(verdict->issuer), card_bank[issuer->bank]);
	}
	return crm_verdict_accept(verdict, code.text, code.length);
}
