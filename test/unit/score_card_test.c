/*
 * Proves: a number has the bin whose lower end it reaches and whose upper end it does
 * not, at every edge and beyond both ends; what is missing or unforeseen has the fewest
 * points unless the card says otherwise; the four greatest losses come out in order,
 * equal ones by position, none without a loss; and every card with a gap, an overlap
 * or a value twice is refused.
 */
#include "score/score_card_core.h"

#include <math.h>
#include <string.h>

#include "unit.h"

static char arena[1 << 24];
static size_t used;

static void *
take(void *where, size_t size)
{
	void	   *place = arena + used;

	(void) where;
	used += (size + 15) / 16 * 16;
	return used <= sizeof(arena) ? place : NULL;
}

static CrmCard card;
static int32_t points[CRM_CARD_CHARACTERISTICS];
static int32_t bins[CRM_CARD_CHARACTERISTICS];

static CrmScored
score(const CrmScoreInput *input)
{
	CrmScored	scored = {.points = points, .bin = bins};

	crm_card_score(&card, input, &scored);
	return scored;
}

static CrmScoreInput
number(double value)
{
	return (CrmScoreInput) {.number = value};
}

static CrmScoreInput
word(const char *text)
{
	return (CrmScoreInput) {.number = NAN, .text = text, .length = text ? (uint32_t) strlen(text) : 0};
}

static CrmCardFault
sealed(void)
{
	int32_t		at;

	return crm_card_seal(&card, &at);
}

/* One numeric characteristic with these inner edges and points 1, 2, 3 ... */
static CrmCardFault
edges(const double *edge, int count)
{
	CrmCardFault fault = crm_card_begin(&card, 1, 0, take, NULL);

	if (fault == CRM_CARD_OK)
		fault = crm_card_characteristic(&card, 0, false, 1, NULL, count + 1);
	for (int i = 0; i <= count && fault == CRM_CARD_OK; i++)
		fault = crm_card_bin(&card, 0, CRM_BIN_RANGE, i == 0 ? NAN : edge[i - 1], i == count ? NAN : edge[i], i + 1);
	return fault == CRM_CARD_OK ? sealed() : fault;
}

static int32_t
of_number(double value)
{
	CrmScoreInput input = number(value);

	return score(&input).total;
}

static void
test_edges(void)
{
	double		many[200];

	CHECK(edges((double[]) {0, 10}, 2) == CRM_CARD_OK);
	CHECK(of_number(-INFINITY) == 1 && of_number(-1) == 1);
	CHECK(of_number(0) == 2 && of_number(-0.0) == 2 && of_number(nextafter(10, 0)) == 2);
	CHECK(of_number(10) == 3 && of_number(INFINITY) == 3);
	CHECK_AS(of_number(NAN) == 1, "a missing number has the fewest points");
	CHECK(edges(NULL, 0) == CRM_CARD_OK && of_number(5) == 1);
	for (int i = 0; i < 200; i++)
		many[i] = i;
	for (int count = 1; count <= 200; count++)
	{
		bool		right = edges(many, count) == CRM_CARD_OK;

		for (int x = -1; x <= count; x++)
			right = right && of_number(x) == (x < 0 ? 1 : (x >= count ? count : x + 1) + 1) && of_number(x - 0.5) == (x < 0 ? 0 : x >= count ? count : x) + 1;
		if (!right || count == 200)
			CHECK_AS(right, "every number of edges up to 200 has its bins");
	}
	CHECK(edges((double[]) {10, 0}, 2) == CRM_CARD_GAP);
	CHECK(edges((double[]) {5, 5}, 2) == CRM_CARD_GAP);
}

static void
test_categories(void)
{
	CrmScoreInput input;

	CHECK(crm_card_begin(&card, 1, 100, take, NULL) == CRM_CARD_OK);
	CHECK(crm_card_characteristic(&card, 0, true, 2, NULL, 4) == CRM_CARD_OK);
	CHECK(crm_card_value(&card, 0, "before any bin", 14) == CRM_CARD_KIND);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_VALUES, NAN, NAN, 7) == CRM_CARD_OK);
	CHECK(crm_card_value(&card, 0, "a", 1) == CRM_CARD_OK && crm_card_value(&card, 0, "", 0) == CRM_CARD_OK);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_VALUES, NAN, NAN, -3) == CRM_CARD_OK);
	CHECK(crm_card_value(&card, 0, "好", 3) == CRM_CARD_OK);
	CHECK(crm_card_value(&card, 0, "a", 1) == CRM_CARD_VALUE_TWICE);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_MISSING, NAN, NAN, 1) == CRM_CARD_OK);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_MISSING, NAN, NAN, 1) == CRM_CARD_TWICE);
	CHECK(sealed() == CRM_CARD_OK && card.lowest == 94 && card.highest == 114);
	input = word("a");
	CHECK(score(&input).total == 114);
	input = word("");
	CHECK(score(&input).total == 114);
	input = word("好");
	CHECK(score(&input).total == 94 && score(&input).reason_count == 1);
	input = word(NULL);
	CHECK(score(&input).total == 102);
	input = word("A");
	CHECK_AS(score(&input).total == 102, "a value in no list counts as missing");
	CHECK(crm_card_begin(&card, 1, 0, take, NULL) == CRM_CARD_OK);
	CHECK(crm_card_characteristic(&card, 0, true, 1, NULL, 2) == CRM_CARD_OK);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, NAN, NAN, 1) == CRM_CARD_KIND);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_OTHER, NAN, NAN, 5) == CRM_CARD_OK);
	CHECK(sealed() == CRM_CARD_OK);
	CHECK(score(&input).total == 5);
}

/* Six characteristics that lose so many points. */
static CrmScored
losses(const int32_t *lost, const int32_t *reference)
{
	CrmScoreInput input[6];

	crm_card_begin(&card, 6, 0, take, NULL);
	for (int i = 0; i < 6; i++)
	{
		crm_card_characteristic(&card, i, false, 1, reference, 2);
		crm_card_bin(&card, i, CRM_BIN_RANGE, NAN, 0, 1000 - lost[i]);
		crm_card_bin(&card, i, CRM_BIN_RANGE, 0, NAN, 1000);
		input[i] = number(-1);
	}
	sealed();
	return score(input);
}

static bool
are(CrmScored scored, int32_t count, int32_t a, int32_t b, int32_t c, int32_t d)
{
	int32_t		wanted[] = {a, b, c, d};

	return scored.reason_count == count && memcmp(scored.reason, wanted, sizeof(int32_t) * (size_t) count) == 0;
}

static void
test_reasons(void)
{
	int32_t		reference = 995;

	CHECK(are(losses((int32_t[]) {1, 2, 3, 4, 5, 6}, NULL), 4, 5, 4, 3, 2));
	CHECK(are(losses((int32_t[]) {6, 5, 4, 3, 2, 1}, NULL), 4, 0, 1, 2, 3));
	CHECK_AS(are(losses((int32_t[]) {7, 7, 7, 7, 7, 7}, NULL), 4, 0, 1, 2, 3), "equal losses come in order of position");
	CHECK(are(losses((int32_t[]) {7, 9, 7, 9, 7, 9}, NULL), 4, 1, 3, 5, 0));
	CHECK(are(losses((int32_t[]) {0, 0, 0, 0, 0, 0}, NULL), 0, 0, 0, 0, 0));
	CHECK(are(losses((int32_t[]) {0, 0, 3, 0, 0, 1}, NULL), 2, 2, 5, 0, 0));
	CHECK_AS(are(losses((int32_t[]) {5, 6, 0, 0, 0, 9}, &reference), 2, 5, 1, 0, 0), "a loss counts from the reference");
	CHECK(are(losses((int32_t[]) {900000, 1, 0, 0, 0, 2}, NULL), 3, 0, 5, 1, 0));
}

static void
test_refusals(void)
{
	CHECK(crm_card_begin(&card, 0, 0, take, NULL) == CRM_CARD_EMPTY);
	CHECK(crm_card_begin(&card, CRM_CARD_CHARACTERISTICS + 1, 0, take, NULL) == CRM_CARD_TOO_MANY);
	CHECK(crm_card_begin(&card, 1, 0, take, NULL) == CRM_CARD_OK);
	CHECK(crm_card_characteristic(&card, 0, false, 1, NULL, 0) == CRM_CARD_NO_BINS);
	CHECK(crm_card_characteristic(&card, 0, false, 0, NULL, 1) == CRM_CARD_POINTS_RANGE);
	CHECK(crm_card_characteristic(&card, 0, false, 32767, NULL, 4) == CRM_CARD_OK);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, NAN, NAN, 1000000) == CRM_CARD_POINTS_RANGE);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, 1, 2, 1) == CRM_CARD_NOT_FROM_BELOW);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_VALUES, NAN, NAN, 1) == CRM_CARD_KIND);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, NAN, 1, 1) == CRM_CARD_OK);
	CHECK(sealed() == CRM_CARD_NOT_TO_ABOVE);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, 2, NAN, 1) == CRM_CARD_GAP);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, 1, NAN, 1) == CRM_CARD_OK);
	CHECK(crm_card_bin(&card, 0, CRM_BIN_RANGE, NAN, NAN, 1) == CRM_CARD_NOT_FROM_BELOW);
	CHECK(sealed() == CRM_CARD_OK);
	for (CrmCardFault fault = CRM_CARD_OK; fault <= CRM_CARD_MEMORY; fault++)
		CHECK(crm_card_reason(fault) != NULL);
}

int
main(void)
{
	test_edges();
	test_categories();
	test_reasons();
	test_refusals();
	return unit_done();
}
