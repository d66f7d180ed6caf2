/*
 * Bytes are read as the building of a card, then as customers. Whatever is built and
 * sealed must score as the plainest code does: bins found one by one, losses sorted.
 */
#include "score/score_card_core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bytes
{
	const uint8_t *at;
	size_t		left;
} Bytes;

static char arena[1 << 22];
static size_t used;

static void *
take(void *where, size_t size)
{
	void	   *place = arena + used;

	(void) where;
	size = (size + 15) / 16 * 16;
	if (used + size > sizeof(arena))
		return NULL;
	used += size;
	return place;
}

static int
next(Bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

/* Numbers that meet often, with the odd ones among them. */
static double
next_number(Bytes *bytes)
{
	int			byte = next(bytes);

	return byte == 255 ? NAN : byte == 254 ? INFINITY : byte == 253 ? -INFINITY : byte == 252 ? -0.0 : byte - 20;
}

typedef struct PlainBin
{
	CrmBinKind	kind;
	double		lower;
	double		upper;
	int32_t		points;
} PlainBin;

static PlainBin plain[4][16];
static int	plain_count[4];
static char value_bin[4][256];	/* of one-letter values: bin + 1 */

static int32_t
plain_points(int i, bool is_category, double x, const char *text)
{
	int			missing = -1;
	int			other = -1;
	int32_t		least = INT32_MAX;

	for (int b = 0; b < plain_count[i]; b++)
	{
		const PlainBin *bin = &plain[i][b];

		least = bin->points < least ? bin->points : least;
		missing = bin->kind == CRM_BIN_MISSING ? b : missing;
		other = bin->kind == CRM_BIN_OTHER ? b : other;
	}
	if (is_category && text != NULL && value_bin[i][(uint8_t) *text])
		return plain[i][value_bin[i][(uint8_t) *text] - 1].points;
	for (int b = 0; b < plain_count[i] && !is_category; b++)
		if (plain[i][b].kind == CRM_BIN_RANGE && !isnan(x) && !(x < plain[i][b].lower) && !(x >= plain[i][b].upper))
			return plain[i][b].points;
	if (is_category && text != NULL && other >= 0)
		return plain[i][other].points;
	return missing >= 0 ? plain[i][missing].points : least;
}

static CrmCardFault
build(Bytes *bytes, CrmCard *card, bool *is_category)
{
	int			count = 1 + next(bytes) % 4;
	int32_t		at;
	CrmCardFault fault = crm_card_begin(card, count, next(bytes), take, NULL);

	for (int i = 0; i < count && fault == CRM_CARD_OK; i++)
	{
		int			bins = 1 + next(bytes) % 16;

		is_category[i] = next(bytes) % 2;
		plain_count[i] = 0;
		memset(value_bin[i], 0, sizeof(value_bin[i]));
		fault = crm_card_characteristic(card, i, is_category[i], 1, NULL, bins);
		for (int b = 0; b < bins && fault == CRM_CARD_OK; b++)
		{
			PlainBin	bin = {.kind = next(bytes) % 4, .points = next(bytes) - 100};

			bin.lower = next_number(bytes);
			bin.upper = next_number(bytes);
			fault = crm_card_bin(card, i, bin.kind, bin.lower, bin.upper, bin.points);
			plain[i][plain_count[i]++] = bin;
			if (fault == CRM_CARD_OK && bin.kind == CRM_BIN_VALUES)
			{
				static char letter[256];
				int			byte = next(bytes);

				letter[byte] = (char) byte;
				fault = crm_card_value(card, i, &letter[byte], 1);
				value_bin[i][byte] = (char) (b + 1);
			}
		}
	}
	return fault == CRM_CARD_OK ? crm_card_seal(card, &at) : fault;
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes		bytes = {data, size};
	CrmCard		card;
	bool		is_category[4];
	int32_t		points[4];
	int32_t		bin[4];

	used = 0;
	if (build(&bytes, &card, is_category) != CRM_CARD_OK)
		return 0;
	while (bytes.left > 0)
	{
		CrmScoreInput input[4];
		CrmScored	scored = {.points = points, .bin = bin};
		char		letter[4];
		int32_t		total = card.base;

		for (int i = 0; i < card.count; i++)
		{
			double		x = next_number(&bytes);

			letter[i] = (char) (isnan(x) ? 0 : next(&bytes));
			input[i] = (CrmScoreInput) {.number = x, .text = isnan(x) ? NULL : &letter[i], .length = 1};
		}
		crm_card_score(&card, input, &scored);
		for (int i = 0; i < card.count; i++)
		{
			if (points[i] != plain_points(i, is_category[i], input[i].number, input[i].text))
				abort();
			total += points[i];
		}
		if (total != scored.total || total < card.lowest || total > card.highest)
			abort();
		for (int i = 0; i < scored.reason_count; i++)
		{
			int			at = scored.reason[i];
			int			lost = card.item[at].reference - points[at];

			if (lost <= 0)
				abort();
			if (i > 0 && (card.item[scored.reason[i - 1]].reference - points[scored.reason[i - 1]] < lost ||
						  (card.item[scored.reason[i - 1]].reference - points[scored.reason[i - 1]] == lost && scored.reason[i - 1] > at)))
				abort();
		}
	}
	return 0;
}
