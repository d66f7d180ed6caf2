#include "score_card_core.h"

#include <math.h>
#include <string.h>

const char *
crm_card_reason(CrmCardFault fault)
{
	static const char *const reason[] = {
		[CRM_CARD_OK] = "It is in order.",
		[CRM_CARD_EMPTY] = "It has no characteristics.",
		[CRM_CARD_TOO_MANY] = "There are more than 256 characteristics, or more than 1024 bins or values of one.",
		[CRM_CARD_NO_BINS] = "It has no bins of its kind.",
		[CRM_CARD_KIND] = "Ranges are for numbers; values and other are for categories.",
		[CRM_CARD_NOT_FROM_BELOW] = "Only the first range has no lower end, and it has none.",
		[CRM_CARD_GAP] = "Each range begins where the one before ends.",
		[CRM_CARD_NOT_TO_ABOVE] = "The last range has no upper end.",
		[CRM_CARD_TWICE] = "There are two bins for missing or for other values.",
		[CRM_CARD_VALUE_TWICE] = "A value stands in two bins, or twice in one.",
		[CRM_CARD_POINTS_RANGE] = "Points and weights are out of range: totals must fit 32 bits.",
		[CRM_CARD_MEMORY] = "Out of memory."
	};

	return reason[fault];
}

/* -- building ---------------------------------------------------------------------- */

CrmCardFault
crm_card_begin(CrmCard *card, int32_t count, int32_t base, CrmCardAlloc alloc, void *where)
{
	memset(card, 0, sizeof(*card));
	if (count < 1)
		return CRM_CARD_EMPTY;
	if (count > CRM_CARD_CHARACTERISTICS)
		return CRM_CARD_TOO_MANY;
	card->count = count;
	card->base = base;
	card->alloc = alloc;
	card->where = where;
	card->item = alloc(where, sizeof(CrmCardCharacteristic) * (size_t) count);
	if (card->item == NULL)
		return CRM_CARD_MEMORY;
	memset(card->item, 0, sizeof(CrmCardCharacteristic) * (size_t) count);
	return CRM_CARD_OK;
}

CrmCardFault
crm_card_characteristic(CrmCard *card, int32_t at, bool is_category, int32_t weight, const int32_t *reference, int32_t bins)
{
	CrmCardCharacteristic *c = &card->item[at];
	size_t		padded;

	if (bins < 1)
		return CRM_CARD_NO_BINS;
	if (bins > CRM_CARD_BINS)
		return CRM_CARD_TOO_MANY;
	if (weight < 1 || weight > 32767)
		return CRM_CARD_POINTS_RANGE;
	c->is_category = is_category;
	c->weight = weight;
	c->missing = c->other = -1;
	c->has_reference = reference != NULL;
	if (reference != NULL)
		c->reference = *reference;
	padded = ((size_t) bins + 7) / 8 * 8;
	c->points = card->alloc(card->where, sizeof(int32_t) * (size_t) bins);
	c->range_bin = card->alloc(card->where, sizeof(int32_t) * (size_t) bins);
	c->edge = card->alloc(card->where, sizeof(double) * padded);
	c->value = is_category ? card->alloc(card->where, sizeof(CrmCardValue) * 2 * CRM_CARD_BINS) : NULL;
	if (c->points == NULL || c->range_bin == NULL || c->edge == NULL || (is_category && c->value == NULL))
		return CRM_CARD_MEMORY;
	for (size_t i = 0; i < padded; i++)
		c->edge[i] = NAN;
	if (is_category)
		memset(c->value, 0, sizeof(CrmCardValue) * 2 * CRM_CARD_BINS);
	c->value_mask = 2 * CRM_CARD_BINS - 1;
	return CRM_CARD_OK;
}

/* Ranges touch: only then does each number have exactly one bin. */
static CrmCardFault
add_range(CrmCardCharacteristic *c, double lower, double upper)
{
	if (c->is_category)
		return CRM_CARD_KIND;
	if (isnan(lower) != (c->range_count == 0))
		return CRM_CARD_NOT_FROM_BELOW;
	if (c->range_count > 0)
	{
		if (c->closed || lower != c->upper)
			return CRM_CARD_GAP;
		c->edge[c->range_count - 1] = lower;
	}
	if (lower >= upper)
		return CRM_CARD_GAP;
	c->closed = isnan(upper);
	c->upper = upper;
	c->range_bin[c->range_count++] = c->bin_count;
	return CRM_CARD_OK;
}

/* NaN stands for an end that there is none of. */
CrmCardFault
crm_card_bin(CrmCard *card, int32_t at, CrmBinKind kind, double lower, double upper, int32_t points)
{
	CrmCardCharacteristic *c = &card->item[at];
	CrmCardFault fault = CRM_CARD_OK;

	if (points > CRM_CARD_POINTS || points < -CRM_CARD_POINTS ||
		(int64_t) points * c->weight > INT32_MAX || (int64_t) points * c->weight < INT32_MIN)
		return CRM_CARD_POINTS_RANGE;
	if (kind == CRM_BIN_RANGE)
		fault = add_range(c, lower, upper);
	else if ((kind == CRM_BIN_VALUES || kind == CRM_BIN_OTHER) && !c->is_category)
		fault = CRM_CARD_KIND;
	else if (kind == CRM_BIN_MISSING || kind == CRM_BIN_OTHER)
	{
		int32_t    *place = kind == CRM_BIN_MISSING ? &c->missing : &c->other;

		if (*place >= 0)
			return CRM_CARD_TWICE;
		*place = c->bin_count;
	}
	if (fault == CRM_CARD_OK)
		c->points[c->bin_count++] = points * c->weight;
	return fault;
}

/* FNV-1a: values are short, and few. */
static uint32_t
hash_text(const char *text, size_t length)
{
	uint32_t	hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * 16777619u;
	return hash ^ (hash >> 15);
}

static const CrmCardValue *
find_value(const CrmCardCharacteristic *c, const char *text, size_t length, uint32_t hash)
{
	uint32_t	i = hash & c->value_mask;

	while (c->value[i].text != NULL &&
		   (c->value[i].hash != hash || c->value[i].length != length || memcmp(c->value[i].text, text, length) != 0))
		i = (i + 1) & c->value_mask;
	return &c->value[i];
}

/* The text must live as long as the card. */
CrmCardFault
crm_card_value(CrmCard *card, int32_t at, const char *text, size_t length)
{
	CrmCardCharacteristic *c = &card->item[at];
	uint32_t	hash = hash_text(text, length);
	CrmCardValue *slot;

	if (!c->is_category || c->bin_count == 0)
		return CRM_CARD_KIND;
	if (c->value_count == CRM_CARD_BINS || length > UINT32_MAX)
		return CRM_CARD_TOO_MANY;
	slot = (CrmCardValue *) find_value(c, text, length, hash);
	if (slot->text != NULL)
		return CRM_CARD_VALUE_TWICE;
	*slot = (CrmCardValue) {.text = text, .length = (uint32_t) length, .hash = hash, .bin = c->bin_count - 1};
	c->value_count++;
	return CRM_CARD_OK;
}

static CrmCardFault
seal_characteristic(CrmCard *card, CrmCardCharacteristic *c)
{
	int32_t		least = 0;
	int32_t		most = 0;

	if (c->bin_count == 0 || (!c->is_category && c->range_count == 0))
		return CRM_CARD_NO_BINS;
	if (!c->is_category && !c->closed)
		return CRM_CARD_NOT_TO_ABOVE;
	for (int32_t i = 1; i < c->bin_count; i++)
	{
		least = c->points[i] < c->points[least] ? i : least;
		most = c->points[i] > c->points[most] ? i : most;
	}
	/* What the card does not foresee is no advantage. */
	if (c->missing < 0)
		c->missing = least;
	if (c->other < 0)
		c->other = c->missing;
	if (!c->has_reference)
		c->reference = c->points[most];
	c->edge_blocks = (c->range_count - 1 + 7) / 8;
	card->lowest += c->points[least];
	card->highest += c->points[most];
	return CRM_CARD_OK;
}

/* The last step; *at is the characteristic that is at fault. */
CrmCardFault
crm_card_seal(CrmCard *card, int32_t *at)
{
	card->lowest = card->highest = card->base;
	for (int32_t i = 0; i < card->count; i++)
	{
		CrmCardFault fault = seal_characteristic(card, &card->item[i]);

		*at = i;
		if (fault != CRM_CARD_OK)
			return fault;
		if (card->highest > INT32_MAX || card->lowest < INT32_MIN)
			return CRM_CARD_POINTS_RANGE;
	}
	return CRM_CARD_OK;
}

/* -- scoring: no branch depends on a number, only on the card ------------------------ */

/* Two numbers at a time; every 64-bit machine of ours has these (SSE2, NEON). */
typedef double CrmPair __attribute__((vector_size(16), aligned(8)));
typedef long long CrmPairCount __attribute__((vector_size(16)));

/* Edges at or below x; padding is NaN, which is below nothing. A comparison that holds is -1. */
static inline int32_t
numeric_bin(const CrmCardCharacteristic *c, double x)
{
	CrmPair		pair = {x, x};
	CrmPairCount below = {0, 0};

	for (int32_t b = 0; b < c->edge_blocks; b++)
	{
		const CrmPair *edge = (const CrmPair *) (c->edge + 8 * b);

		below -= (pair >= edge[0]) + (pair >= edge[1]) + (pair >= edge[2]) + (pair >= edge[3]);
	}
	return x == x ? c->range_bin[below[0] + below[1]] : c->missing;
}

static inline int32_t
category_bin(const CrmCardCharacteristic *c, const CrmScoreInput *input)
{
	const CrmCardValue *found;

	if (input->text == NULL)
		return c->missing;
	found = find_value(c, input->text, input->length, hash_text(input->text, input->length));
	return found->text != NULL ? found->bin : c->other;
}

/* The greater stays, the less goes on. */
#define SETTLE(place, key) \
do { \
	int64_t		less_ = (place) < (key) ? (place) : (key); \
	(place) = (place) < (key) ? (key) : (place); \
	(key) = less_; \
} while (0)

static void
note_reasons(CrmScored *scored, const int64_t *key)
{
	int32_t		count = 0;

	while (count < CRM_CARD_REASONS && key[count] > 0)
	{
		scored->reason[count] = (int32_t) (-key[count] & (CRM_CARD_CHARACTERISTICS - 1));
		count++;
	}
	scored->reason_count = count;
}

void
crm_card_score(const CrmCard *card, const CrmScoreInput *input, CrmScored *scored)
{
	/* Losses come in no order, so that branches would be guessed wrong: minima and maxima are not. */
	int64_t		first = 0;
	int64_t		second = 0;
	int64_t		third = 0;
	int64_t		fourth = 0;
	int64_t		total = card->base;

	for (int32_t i = 0; i < card->count; i++)
	{
		const CrmCardCharacteristic *c = &card->item[i];
		int32_t		bin = c->is_category ? category_bin(c, &input[i]) : numeric_bin(c, input[i].number);
		int32_t		points = c->points[bin];
		int64_t		key;

		scored->bin[i] = bin;
		scored->points[i] = points;
		total += points;
		/* Positive for a loss; among equal losses the earlier has the greater key. */
		key = ((int64_t) c->reference - points) * CRM_CARD_CHARACTERISTICS - i;
		SETTLE(first, key);
		SETTLE(second, key);
		SETTLE(third, key);
		SETTLE(fourth, key);
	}
	scored->total = (int32_t) total;
	note_reasons(scored, (int64_t[]) {first, second, third, fourth});
}
