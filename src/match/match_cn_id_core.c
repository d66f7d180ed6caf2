/*
 * match_cn_id_core.c: comparison kind cn_id_number, numbers that documents bear:
 * resident identity numbers of 18 and 15 digits, credit codes and organisation
 * codes, passports and the like; whole, masked or mistyped.
 *
 * Two numbers whose check characters are right and that differ belong to two
 * persons: that is the strongest evidence against a match that a record can hold.
 */
#include "ident/ident_core.h"
#include "match_cn_core.h"
#include "match_text_core.h"

#define ID_LENGTH 18
#define ID_MAX 24
#define ID_LEAST 5
#define MASKED_LEAST 5			/* places that masked numbers must both show */
#define ORG_CODE 8				/* where the organisation code stands in a credit code */
#define ORG_LENGTH 9

typedef enum IdLevel
{
	ID_MISSING,
	ID_EXACT,
	ID_PARTIAL,
	ID_TYPO,
	ID_NEAR,
	ID_BIRTH,
	ID_DIFFERENT,
	ID_CONFLICT
} IdLevel;

static const char *const id_level[] = {
	"missing", "exact", "partial", "typo", "near", "birth", "different", "conflict", NULL
};

typedef enum IdFamily
{
	FAMILY_CORE,
	FAMILY_FIRST,
	FAMILY_LAST,
	FAMILY_BIRTH
} IdFamily;

static const char *const id_family[] = {"core", "first12", "last12", "birth_sequence", NULL};

/* What the number is; the first byte of the prepared value, the number follows. */
typedef enum IdClass
{
	CLASS_VALID,				/* resident, check character right */
	CLASS_OLD,					/* resident of 15 digits: nothing to check it by */
	CLASS_WRONG,				/* resident by its form, check character or date wrong */
	CLASS_CREDIT,				/* credit code, check character right */
	CLASS_CREDIT_WRONG,
	CLASS_MASKED,
	CLASS_OTHER
} IdClass;

typedef struct IdText
{
	size_t		length;
	int			masks;			/* characters hidden */
	int			runs;			/* runs of them */
	char		text[ID_MAX];
} IdText;

/* Letters, digits and masks, in upper case; everything else is dropped. */
static bool
read_id(const char *text, size_t length, IdText *id)
{
	id->length = 0;
	id->masks = id->runs = 0;
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (bytes == 0)
			return false;
		i += bytes;
		point = crm_fold_point(point);
		if (point >= 'a' && point <= 'z')
			point -= 'a' - 'A';
		if (point >= 0x80 || !(crm_is_digit((char) point) || crm_is_upper((char) point) || point == '*'))
			continue;
		if (id->length == ID_MAX)
			return false;
		if (point == '*')
		{
			id->masks++;
			id->runs += id->length == 0 || id->text[id->length - 1] != '*';
		}
		id->text[id->length++] = (char) point;
	}
	return id->length >= ID_LEAST;
}

/* A run of masks stands for as many characters as make the number whole. */
static bool
stretch_mask(IdText *id)
{
	size_t		shown = id->length - id->masks;
	size_t		before = 0;
	char		whole[ID_LENGTH];

	if (shown < MASKED_LEAST)
		return false;
	if (id->length == ID_LENGTH || id->runs != 1 || shown > ID_LENGTH - 1)
		return true;
	while (id->text[before] != '*')
		before++;
	memset(whole, '*', ID_LENGTH);
	memcpy(whole, id->text, before);
	memcpy(whole + ID_LENGTH - (shown - before), id->text + before + id->masks, shown - before);
	memcpy(id->text, whole, ID_LENGTH);
	id->length = ID_LENGTH;
	return true;
}

static bool
birth_is_real(const char *number)
{
	int32_t		month_day = crm_digits_value(number + 10, 4);
	int32_t		year = crm_digits_value(number + 6, 4);

	return year >= 1850 && year < 2100 && crm_date_real(year, month_day / 100, month_day % 100);
}

/* Letters that no credit code has are misread digits. */
static void
mend_letters(IdText *id)
{
	for (size_t i = 0; i < id->length; i++)
	{
		char		c = id->text[i];

		id->text[i] = c == 'O' ? '0' : c == 'I' ? '1' : c == 'Z' ? '2' : c == 'S' ? '5' : c;
	}
}

static IdClass
classify(IdText *id)
{
	char		whole[ID_LENGTH];

	if (id->length == 15 && crm_all_digits(id->text, 15))
	{
		crm_resident_upgrade(id->text, whole);
		if (!birth_is_real(whole))
			return CLASS_OTHER;
		memcpy(id->text, whole, ID_LENGTH);
		id->length = ID_LENGTH;
		return CLASS_OLD;
	}
	if (id->length != ID_LENGTH)
		return CLASS_OTHER;
	if (crm_all_digits(id->text, 17) && (crm_is_digit(id->text[17]) || id->text[17] == 'X') &&
		!crm_uscc_clean(id->text, ID_LENGTH))
		return crm_resident_check(id->text) == id->text[17] && birth_is_real(id->text) ? CLASS_VALID : CLASS_WRONG;
	mend_letters(id);
	return crm_uscc_clean(id->text, ID_LENGTH) ? CLASS_CREDIT : CLASS_CREDIT_WRONG;
}

static size_t
id_prepare(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	IdText		id;
	IdClass		class;
	size_t		same = 1;

	(void) arg;
	if (length > CRM_MATCH_VALUE_MAX || !read_id(text, length, &id) || room < 1 + ID_MAX)
		return 0;
	if (id.masks > 0 && !stretch_mask(&id))
		return 0;
	while (same < id.length && id.text[same] == id.text[0])
		same++;
	/* One character over and over fills a field that must not be empty. */
	if (same == id.length)
		return 0;
	class = id.masks > 0 ? CLASS_MASKED : classify(&id);
	out[0] = (unsigned char) class;
	memcpy(out + 1, id.text, id.length);
	return 1 + id.length;
}

/* Whether what both sides show is the same, and enough of it. */
static bool
shown_alike(const unsigned char *a, const unsigned char *b, size_t length)
{
	int			shown = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (a[i] == '*' || b[i] == '*')
			continue;
		if (a[i] != b[i])
			return false;
		shown++;
	}
	return shown >= MASKED_LEAST;
}

static bool
is_credit(IdClass class)
{
	return class == CLASS_CREDIT || class == CLASS_CREDIT_WRONG;
}

static bool
is_resident(IdClass class)
{
	return class <= CLASS_WRONG;
}

/* An organisation code alone, against the credit code that holds it. */
static bool
holds_org_code(IdClass a_class, const unsigned char *a, IdClass b_class, const unsigned char *b, size_t b_length)
{
	return is_credit(a_class) && b_class == CLASS_OTHER && b_length == ORG_LENGTH &&
		memcmp(a + ORG_CODE, b, ORG_LENGTH) == 0;
}

static IdLevel
compare_whole(IdClass a_class, const unsigned char *a, size_t a_length,
			  IdClass b_class, const unsigned char *b, size_t b_length)
{
	/* An old number has no check character of its own to compare. */
	size_t		cut = (a_class == CLASS_OLD || b_class == CLASS_OLD) && a_length == b_length;
	bool		residents = is_resident(a_class) && is_resident(b_class);

	if (a_class == b_class && (a_class == CLASS_VALID || a_class == CLASS_CREDIT))
		return ID_CONFLICT;
	/* The century is a guess there. */
	if (cut && memcmp(a, b, 6) == 0 && memcmp(a + 8, b + 8, 9) == 0)
		return ID_PARTIAL;
	if (crm_damerau_within_bytes(a, a_length - cut, b, b_length - cut, 1))
		return ID_TYPO;
	if (residents && a_class != CLASS_WRONG && b_class != CLASS_WRONG)
		return ID_CONFLICT;
	if (a_length >= 15 && b_length >= 15 && crm_damerau_within_bytes(a, a_length, b, b_length, 2))
		return ID_NEAR;
	if (is_credit(a_class) && is_credit(b_class) && memcmp(a + ORG_CODE, b + ORG_CODE, ORG_LENGTH) == 0)
		return ID_NEAR;
	return residents && memcmp(a + 6, b + 6, 8) == 0 ? ID_BIRTH : ID_DIFFERENT;
}

static int
id_compare(const CrmMatchArg *arg, const unsigned char *a, size_t a_length,
		   const unsigned char *b, size_t b_length)
{
	IdClass		a_class = (IdClass) *a++;
	IdClass		b_class = (IdClass) *b++;

	(void) arg;
	a_length--;
	b_length--;
	if (a_class == CLASS_MASKED || b_class == CLASS_MASKED)
		return a_length == b_length && shown_alike(a, b, a_length) ? ID_PARTIAL : ID_DIFFERENT;
	if (a_length == b_length && memcmp(a, b, a_length) == 0)
		return ID_EXACT;
	if (holds_org_code(a_class, a, b_class, b, b_length) || holds_org_code(b_class, b, a_class, a, a_length))
		return ID_PARTIAL;
	return compare_whole(a_class, a, a_length, b_class, b, b_length);
}

/* A number belongs to one: how frequent it is says nothing beyond its sharing. */
static uint64_t
id_term(const unsigned char *value, size_t length, int level)
{
	(void) value;
	(void) length;
	(void) level;
	return 0;
}

/* What a mask hides is no key. */
static int
add_shown(CrmMatchKey *key, int used, int room, int family, const unsigned char *bytes, size_t length)
{
	return memchr(bytes, '*', length) != NULL ? used : crm_match_cn_piece(key, used, room, family, bytes, length);
}

/* The number as its fifteen digits: without the century and the check character. */
static int
add_core(CrmMatchKey *key, int used, int room, const unsigned char *number)
{
	unsigned char core[15];

	memcpy(core, number, 6);
	memcpy(core + 6, number + 8, 9);
	return add_shown(key, used, room, FAMILY_CORE, core, 15);
}

static int
id_keys(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	IdClass		class = (IdClass) *value++;
	int			used = 0;

	length--;
	if (is_resident(class) || (class == CLASS_MASKED && length == ID_LENGTH))
		used = add_core(key, used, room, value);
	else if (is_credit(class))
		used = add_shown(key, used, room, FAMILY_CORE, value + ORG_CODE, ORG_LENGTH);
	else
		used = add_shown(key, used, room, FAMILY_CORE, value, length);
	if (length < 15)
		return used;
	used = add_shown(key, used, room, FAMILY_FIRST, value, 12);
	used = add_shown(key, used, room, FAMILY_LAST, value + length - 12, 12);
	if (is_resident(class) || (class == CLASS_MASKED && length == ID_LENGTH))
		used = add_shown(key, used, room, FAMILY_BIRTH, value + 6, 11);
	return used;
}

const CrmMatchKind crm_match_cn_id_number = {
	"cn_id_number", id_level, id_family, id_prepare, id_compare, id_term, id_keys
};
