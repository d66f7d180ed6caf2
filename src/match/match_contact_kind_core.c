/*
 * match_contact_kind_core.c: e-mail addresses, telephones, postcodes and postal
 * addresses of no country in particular.
 */
#include "match_parts_core.h"

#include <stdlib.h>

/* -- e-mail ------------------------------------------------------------------- */

#define MAIL_MAX 96

/* Prepared: length of the local part, then local part and domain without a mark between. */
static size_t
prepare_email(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	const char *at = memchr(text, '@', length);
	size_t		local = at == NULL ? length : (size_t) (at - text);
	size_t		written;

	(void) arg;
	if (room < 2 * MAIL_MAX + 8)
		return 0;
	written = crm_match_plain_tight(text, local, (char *) out + 1, MAIL_MAX);
	out[0] = (unsigned char) written;
	if (at != NULL)
		written += crm_match_plain_tight(at + 1, length - local - 1, (char *) out + 1 + written, MAIL_MAX);
	return written == 0 ? 0 : written + 1;
}

enum
{
	MAIL_EXACT = 1, MAIL_SLIP, MAIL_LOCAL, MAIL_NEAR, MAIL_LETTERS, MAIL_DOMAIN, MAIL_ELSE
};

static int
compare_email(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	const char *x = (const char *) a + 1;
	const char *y = (const char *) b + 1;
	int			n = (int) a_length - 1;
	int			m = (int) b_length - 1;
	int			longer = n > m ? n : m;
	int			apart;

	(void) arg;
	if (n == m && memcmp(x, y, (size_t) n) == 0)
		return MAIL_EXACT;
	apart = crm_match_osa(x, n, y, m, longer / 3);
	if (apart <= 2 && apart * 6 <= longer)
		return MAIL_SLIP;
	if (a[0] == b[0] && a[0] >= 4 && memcmp(x, y, a[0]) == 0)
		return MAIL_LOCAL;
	if (apart * 4 <= longer || crm_match_jaro_winkler(x, n, y, m) >= 0.92)
		return MAIL_NEAR;
	if (apart * 3 <= longer || crm_match_bigram_dice(x, n, y, m) >= 0.6)
		return MAIL_LETTERS;
	return n - a[0] == m - b[0] && n > a[0] && memcmp(x + a[0], y + b[0], (size_t) (n - a[0])) == 0 ? MAIL_DOMAIN : MAIL_ELSE;
}

static uint64_t
term_email(const unsigned char *value, size_t length, int level)
{
	if (level == MAIL_EXACT)
		return crm_match_digest((const char *) value + 1, length - 1);
	if (level == MAIL_DOMAIN)
		return crm_match_digest((const char *) value + 1 + value[0], length - 1 - value[0]);
	return level == MAIL_LOCAL ? crm_match_digest((const char *) value + 1, value[0]) : 0;
}

enum
{
	KEY_MAIL, KEY_LOCAL, KEY_MAIL_START, KEY_DOMAIN, KEY_MAIL_BAG
};

static int
keys_email(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	const char *text = (const char *) value + 1;
	size_t		local = value[0];
	int			keys = crm_match_add_key(key, 0, room, KEY_MAIL, crm_match_digest(text, length - 1));

	if (local >= 3)
		keys = crm_match_add_key(key, keys, room, KEY_LOCAL, crm_match_digest(text, local));
	if (local >= 3)
		keys = crm_match_add_key(key, keys, room, KEY_MAIL_START, crm_match_digest(text, local < 5 ? local : 5));
	if (length - 1 > local)
		keys = crm_match_add_key(key, keys, room, KEY_DOMAIN, crm_match_digest(text + local, length - 1 - local));
	return crm_match_add_key(key, keys, room, KEY_MAIL_BAG, crm_match_letter_bag(text, (int) length - 1));
}

/* -- telephone ---------------------------------------------------------------- */

#define PHONE_MAX 15

/* Digits; what is before the last eleven is a prefix of the country. */
static size_t
prepare_phone(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	char		digit[64];
	size_t		digits = 0;
	size_t		skip;

	(void) arg;
	for (size_t i = 0; i < length && digits < sizeof(digit); i++)
	{
		if (text[i] >= '0' && text[i] <= '9')
			digit[digits++] = text[i];
		else if (digits >= 7 && (text[i] | 32) == 'x')
			break;				/* an extension follows */
	}
	if (digits < 5 || room < PHONE_MAX)
		return 0;
	skip = digits > 10 ? digits - 10 : 0;
	memcpy(out, digit + skip, digits - skip);
	return digits - skip;
}

enum
{
	PHONE_EXACT = 1, PHONE_TAIL, PHONE_SLIP, PHONE_EXCHANGE, PHONE_ELSE
};

static int
compare_phone(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	size_t		shorter = a_length < b_length ? a_length : b_length;

	(void) arg;
	if (crm_match_same(a, a_length, b, b_length))
		return PHONE_EXACT;
	if (shorter >= 7 && memcmp(a + a_length - 7, b + b_length - 7, 7) == 0)
		return PHONE_TAIL;
	if (crm_match_osa((const char *) a, (int) a_length, (const char *) b, (int) b_length, 1) <= 1)
		return PHONE_SLIP;
	return a_length == b_length && memcmp(a, b, a_length - 4) == 0 ? PHONE_EXCHANGE : PHONE_ELSE;
}

static uint64_t
term_phone(const unsigned char *value, size_t length, int level)
{
	if (level == PHONE_EXACT)
		return crm_match_digest((const char *) value, length);
	if (level == PHONE_TAIL && length >= 7)
		return crm_match_digest((const char *) value + length - 7, 7);
	return level == PHONE_EXCHANGE ? crm_match_digest((const char *) value, length - 4) : 0;
}

enum
{
	KEY_TAIL, KEY_HEAD, KEY_EXCHANGE
};

static int
keys_phone(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	const char *text = (const char *) value;
	size_t		tail = length < 7 ? length : 7;
	int			keys = crm_match_add_key(key, 0, room, KEY_TAIL, crm_match_digest(text + length - tail, tail));

	keys = crm_match_add_key(key, keys, room, KEY_HEAD, crm_match_digest(text, length - 2));
	return crm_match_add_key(key, keys, room, KEY_EXCHANGE, crm_match_digest(text, length - 4));
}

/* -- postcode ----------------------------------------------------------------- */

#define POSTCODE_MAX 12

static size_t
prepare_postcode(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	(void) arg;
	return room < POSTCODE_MAX + 5 ? 0 : crm_match_plain_tight(text, length, (char *) out, POSTCODE_MAX + 5);
}

/* What names the district: all but three of a long code, all but one of four digits. */
static size_t
outward(size_t length)
{
	return length >= 5 ? length - 3 : length > 1 ? length - 1 : length;
}

enum
{
	POST_EXACT = 1, POST_SLIP, POST_DISTRICT, POST_AREA, POST_ELSE
};

static int
compare_postcode(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	size_t		district = outward(a_length);
	bool		same_district = district == outward(b_length) && memcmp(a, b, district) == 0;

	(void) arg;
	if (crm_match_same(a, a_length, b, b_length))
		return POST_EXACT;
	if (crm_match_osa((const char *) a, (int) a_length, (const char *) b, (int) b_length, 1) <= 1)
		return POST_SLIP;
	if (same_district)
		return POST_DISTRICT;
	return a_length >= 2 && b_length >= 2 && memcmp(a, b, 2) == 0 ? POST_AREA : POST_ELSE;
}

static uint64_t
term_postcode(const unsigned char *value, size_t length, int level)
{
	if (level == POST_EXACT)
		return crm_match_digest((const char *) value, length);
	return level == POST_DISTRICT ? crm_match_digest((const char *) value, outward(length)) : 0;
}

enum
{
	KEY_POSTCODE, KEY_DISTRICT, KEY_AREA, KEY_POST_BAG
};

static int
keys_postcode(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	const char *text = (const char *) value;
	int			keys = crm_match_add_key(key, 0, room, KEY_POSTCODE, crm_match_digest(text, length));

	keys = crm_match_add_key(key, keys, room, KEY_DISTRICT, crm_match_digest(text, outward(length)));
	keys = crm_match_add_key(key, keys, room, KEY_AREA, crm_match_digest(text, length < 2 ? length : 2));
	return crm_match_add_key(key, keys, room, KEY_POST_BAG, crm_match_letter_bag(text, (int) length));
}

/* -- address ------------------------------------------------------------------ */

/* Words of streets, long and short; the short form stands for both. */
static const char *const street_word[][2] = {
	{"street", "st"}, {"saint", "st"}, {"avenue", "ave"}, {"av", "ave"}, {"road", "rd"}, {"drive", "dr"},
	{"boulevard", "blvd"}, {"lane", "ln"}, {"court", "ct"}, {"place", "pl"}, {"square", "sq"}, {"terrace", "tce"},
	{"terr", "tce"}, {"crescent", "cres"}, {"cr", "cres"}, {"circuit", "cct"}, {"close", "cl"}, {"parkway", "pkwy"},
	{"highway", "hwy"}, {"suite", "ste"}, {"floor", "fl"}, {"apartment", "apt"}, {"unit", "apt"}, {"flat", "apt"},
	{"north", "n"}, {"south", "s"}, {"east", "e"}, {"west", "w"}, {"mount", "mt"}, {"fort", "ft"}, {"building", "bldg"},
	{"first", "1st"}, {"second", "2nd"}, {"third", "3rd"}, {"fourth", "4th"}, {"fifth", "5th"}, {NULL, NULL}
};

static CrmMatchWord
short_word(CrmMatchWord word)
{
	for (int i = 0; street_word[i][0] != NULL; i++)
		if ((int) strlen(street_word[i][0]) == word.length && memcmp(street_word[i][0], word.text, (size_t) word.length) == 0)
		{
			word.text = street_word[i][1];
			word.length = (int) strlen(word.text);
			break;
		}
	return word;
}

static bool
is_number(const CrmMatchWord *word)
{
	return word->length > 0 && word->text[0] >= '0' && word->text[0] <= '9';
}

/* Prepared: folded words in their short forms, one space between. */
static size_t
prepare_address(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	char		folded[FOLD_MAX];
	CrmMatchWord word[WORD_MAX];
	int			words = crm_match_words(folded, crm_match_plain(text, length, folded, sizeof(folded)), word, WORD_MAX);
	size_t		written = 0;

	(void) arg;
	for (int i = 0; i < words; i++)
	{
		CrmMatchWord use = short_word(word[i]);

		if (written + (size_t) use.length + 1 > room)
			break;
		if (written > 0)
			out[written++] = ' ';
		memcpy(out + written, use.text, (size_t) use.length);
		written += (size_t) use.length;
	}
	return written;
}

/* An address's first number, and the letters of the rest. */
typedef struct Place
{
	CrmMatchWord number;
	char		letters[FOLD_MAX];
	int			length;
	CrmMatchWord street;		/* first word that is longer than a direction */
} Place;

static void
read_place(const unsigned char *value, size_t length, Place *place)
{
	CrmMatchWord word[WORD_MAX];
	int			words = crm_match_words((const char *) value, length, word, WORD_MAX);

	memset(&place->number, 0, sizeof(place->number));
	memset(&place->street, 0, sizeof(place->street));
	place->length = 0;
	for (int i = 0; i < words; i++)
	{
		if (is_number(&word[i]) && place->number.length == 0)
		{
			place->number = word[i];
			continue;
		}
		if (place->street.length == 0 && word[i].length > 2)
			place->street = word[i];
		if (place->length + word[i].length > FOLD_MAX)
			break;
		memcpy(place->letters + place->length, word[i].text, (size_t) word[i].length);
		place->length += word[i].length;
	}
}

enum
{
	PLACE_EXACT = 1, PLACE_NUMBER_NEAR, PLACE_NUMBER_SOME, PLACE_SLIP_NEAR, PLACE_STREET, PLACE_NUMBER, PLACE_SOME, PLACE_ELSE
};

static bool
same_word(const CrmMatchWord *a, const CrmMatchWord *b)
{
	return a->length > 0 && a->length == b->length && memcmp(a->text, b->text, (size_t) a->length) == 0;
}

static int
compare_address(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	Place		x;
	Place		y;
	double		like;
	bool		street;
	bool		number;

	(void) arg;
	if (crm_match_same(a, a_length, b, b_length))
		return PLACE_EXACT;
	read_place(a, a_length, &x);
	read_place(b, b_length, &y);
	number = same_word(&x.number, &y.number) || (x.number.length == 0 && y.number.length == 0);
	like = crm_match_bigram_dice(x.letters, x.length, y.letters, y.length);
	street = like >= 0.7 || (like >= 0.4 && same_word(&x.street, &y.street));
	if (number)
		return street ? PLACE_NUMBER_NEAR : like >= 0.4 || same_word(&x.street, &y.street) ? PLACE_NUMBER_SOME :
			x.number.length > 0 ? PLACE_NUMBER : like >= 0.25 ? PLACE_SOME : PLACE_ELSE;
	if (street)
		return x.number.length == 0 || y.number.length == 0 ||
			crm_match_osa(x.number.text, x.number.length, y.number.text, y.number.length, 1) <= 1 ? PLACE_SLIP_NEAR : PLACE_STREET;
	return like >= 0.4 ? PLACE_SOME : PLACE_ELSE;
}

static uint64_t
term_address(const unsigned char *value, size_t length, int level)
{
	Place		place;

	if (level == PLACE_EXACT)
		return crm_match_digest((const char *) value, length);
	if (level != PLACE_NUMBER_NEAR && level != PLACE_STREET)
		return 0;
	read_place(value, length, &place);
	if (place.street.length == 0)
		return 0;
	return crm_match_digest(place.street.text, (size_t) place.street.length) ^
		(level == PLACE_NUMBER_NEAR ? crm_match_digest(place.number.text ? place.number.text : "", (size_t) place.number.length) : 0);
}

enum
{
	KEY_PLACE, KEY_NUMBER_STREET, KEY_STREET, KEY_NUMBER, KEY_NUMBER_START
};

static int
keys_address(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	Place		place;
	int			keys = crm_match_add_key(key, 0, room, KEY_PLACE, crm_match_digest((const char *) value, length));
	uint64_t	number;
	uint64_t	street;

	read_place(value, length, &place);
	number = place.number.length > 0 ? crm_match_digest(place.number.text, (size_t) place.number.length) : 0;
	street = place.street.length > 0 ? crm_match_digest(place.street.text, (size_t) place.street.length) : 0;
	if (street != 0)
		keys = crm_match_add_key(key, keys, room, KEY_STREET, street);
	if (street != 0 && number != 0)
	{
		keys = crm_match_add_key(key, keys, room, KEY_NUMBER_STREET, crm_match_stir(street + 3 * number));
		keys = crm_match_add_key(key, keys, room, KEY_NUMBER_START, crm_match_stir(number + (unsigned char) place.letters[0]));
	}
	if (number != 0)
		keys = crm_match_add_key(key, keys, room, KEY_NUMBER, number);
	return keys;
}

static const char *const email_level[] = {
	"missing", "exact", "slip", "local_part", "near", "letters", "domain", "else", NULL
};
static const char *const email_family[] = {"full", "local_part", "start", "domain", "letters", NULL};
static const char *const phone_level[] = {"missing", "exact", "tail", "slip", "exchange", "else", NULL};
static const char *const phone_family[] = {"tail", "head", "exchange", NULL};
static const char *const postcode_level[] = {"missing", "exact", "slip", "district", "area", "else", NULL};
static const char *const postcode_family[] = {"full", "district", "area", "letters", NULL};
static const char *const address_level[] = {
	"missing", "exact", "number_and_street", "number_and_some", "number_slip", "street", "number", "some", "else", NULL
};
static const char *const address_family[] = {"full", "number_and_street", "street", "number", "number_and_letter", NULL};

const CrmMatchKind crm_match_kind_email = {
	"email", email_level, email_family, prepare_email, compare_email, term_email, keys_email
};
const CrmMatchKind crm_match_kind_phone = {
	"phone", phone_level, phone_family, prepare_phone, compare_phone, term_phone, keys_phone
};
const CrmMatchKind crm_match_kind_postcode = {
	"postcode", postcode_level, postcode_family, prepare_postcode, compare_postcode, term_postcode, keys_postcode
};
const CrmMatchKind crm_match_kind_address = {
	"address", address_level, address_family, prepare_address, compare_address, term_address, keys_address
};
