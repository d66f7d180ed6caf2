/*
 * Proves: the points ledger's text and bytes have one form each and come back as
 * they were; bytes that are cut, out of order, zero or wrongly summed are refused;
 * addition is exact, commutative and associative, and takes itself back; and the
 * law's single operations move the lots that it says, and no others; and what a merge
 * shifts, on random states, is what counting single points by hand gives.
 */
#include "points/points_core.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static CrmLedger
L(const char *text)
{
	CrmLedger	ledger;

	if (crm_ledger_parse(text, strlen(text), &ledger) != CRM_LEDGER_OK)
	{
		fprintf(stderr, "bad ledger in the test: %s\n", text);
		exit(1);
	}
	return ledger;
}

static bool
prints(const CrmLedger *ledger, const char *text)
{
	static char printed[CRM_LEDGER_LOTS * CRM_LOT_TEXT + 3];

	crm_ledger_format(ledger, printed);
	if (strcmp(printed, text) == 0)
		return true;
	fprintf(stderr, "# printed %s, expected %s\n", printed, text);
	return false;
}

static bool
becomes(const char *text, const char *canonical)
{
	CrmLedger	ledger = L(text);

	return prints(&ledger, canonical);
}

static CrmLedgerFault
refused(const char *text)
{
	CrmLedger	ledger;

	return crm_ledger_parse(text, strlen(text), &ledger);
}

static bool
same(const CrmLedger *a, const CrmLedger *b)
{
	uint8_t		x[CRM_LEDGER_BYTES];
	uint8_t		y[CRM_LEDGER_BYTES];
	size_t		m;
	size_t		n;

	return crm_ledger_encode(a, x, &m) == CRM_LEDGER_OK && crm_ledger_encode(b, y, &n) == CRM_LEDGER_OK &&
		m == n && memcmp(x, y, m) == 0;
}

static CrmLedger
random_ledger(void)
{
	static const char *const classes[] = {"", "gift", "B", "reward.2026"};
	CrmLedger	ledger = {0};

	for (int i = rand() % 12; i > 0; i--)
	{
		CrmLot		lot = {.hold = rand() % 3 ? 0 : rand() % 3, .day = 9000 + rand() % 5};

		if (rand() % 7 == 0)
			lot.day = CRM_DAY_NEVER;
		strcpy(lot.class, classes[rand() % 4]);
		if (rand() % 9 == 0)
			lot = (CrmLot) {.day = CRM_DAY_DEBT};
		crm_ledger_change(&ledger, &lot, rand() % 2001 - 1000);
	}
	return ledger;
}

static void
test_text(void)
{
	CHECK(becomes("{}", "{}"));
	CHECK(becomes(" { } ", "{}"));
	CHECK(becomes("{120@2027-12-31, 50:gift@2026-06-30, hold 17: 40@2027-12-31}",
				  "{50:gift@2026-06-30, 120@2027-12-31, hold 17: 40@2027-12-31}"));
	CHECK(becomes("{5@never,debt 106}", "{debt 106, 5@never}"));
	CHECK(becomes("{1@2027-12-31,2@2027-12-31}", "{3@2027-12-31}"));
	CHECK(becomes("{1@2027-12-31,-1@2027-12-31, 0@never}", "{}"));
	CHECK(becomes("{debt -3}", "{debt -3}"));
	CHECK(becomes("{9223372036854775807@never}", "{9223372036854775807@never}"));
	CHECK(becomes("{hold 1: -9223372036854775808@never}", "{hold 1: -9223372036854775808@never}"));
	CHECK(becomes("{debt 9223372036854775808}", "{debt 9223372036854775808}"));
	CHECK(becomes("{1@0001-01-01, 1@9999-12-31, 1@2024-02-29, 1@2000-02-29}", "{1@0001-01-01, 1@2000-02-29, 1@2024-02-29, 1@9999-12-31}"));
	CHECK(refused("") == CRM_LEDGER_BRACES);
	CHECK(refused("{1@never") == CRM_LEDGER_BRACES);
	CHECK(refused("{1@never}}") == CRM_LEDGER_TRAILING);
	CHECK(refused("{,}") == CRM_LEDGER_AMOUNT);
	CHECK(refused("{1.5@never}") == CRM_LEDGER_DATE);
	CHECK(refused("{1}") == CRM_LEDGER_DATE);
	CHECK(refused("{1@2026-02-29}") == CRM_LEDGER_DATE);
	CHECK(refused("{1@1900-02-29}") == CRM_LEDGER_DATE);
	CHECK(refused("{1@2026-13-01}") == CRM_LEDGER_DATE);
	CHECK(refused("{1@2026-1-1}") == CRM_LEDGER_DATE);
	CHECK(refused("{1:@never}") == CRM_LEDGER_CLASS);
	CHECK(refused("{1:abcdefghijklmnop@never}") == CRM_LEDGER_CLASS);
	CHECK(refused("{1:a b@never}") == CRM_LEDGER_DATE);
	CHECK(refused("{hold 0: 1@never}") == CRM_LEDGER_HOLD);
	CHECK(refused("{hold 2147483648: 1@never}") == CRM_LEDGER_HOLD);
	CHECK(refused("{hold 1: debt 5}") == CRM_LEDGER_DEBT);
	CHECK(refused("{9223372036854775808@never}") == CRM_LEDGER_OVERFLOW);
	CHECK(refused("{9223372036854775807@never, 1@never}") == CRM_LEDGER_OVERFLOW);
}

static CrmLedgerFault
decoded(const char *bytes, size_t length)
{
	CrmLedger	ledger;

	return crm_ledger_decode((const uint8_t *) bytes, length, &ledger);
}

static void
test_bytes(void)
{
	CrmLedger	ledger = L("{7@0001-01-01, 5:x@0001-01-02, hold 3: 1@0001-01-01}");
	uint8_t		bytes[CRM_LEDGER_BYTES];
	size_t		length;
	bool		cut = true;

	CHECK(crm_ledger_encode(&ledger, bytes, &length) == CRM_LEDGER_OK);
	CHECK_AS(length == 13 && memcmp(bytes, "\1\3\x18\4\xe\5\1x\xa\x7\3\0\2", 13) == 0, "the layout is as documented");
	for (size_t i = 0; i < length; i++)
		cut = cut && decoded((char *) bytes, i) == CRM_LEDGER_CUT;
	CHECK_AS(cut, "a value that is cut anywhere is refused");
	CHECK(decoded("\1\0\0", 3) == CRM_LEDGER_OK);
	CHECK(decoded("\1\0\0\0", 4) == CRM_LEDGER_TRAILING);
	CHECK(decoded("\2\0\0", 3) == CRM_LEDGER_VERSION_UNKNOWN);
	CHECK(decoded("\1\0\2", 3) == CRM_LEDGER_SUM);
	CHECK(decoded("\1\1\2\4\4", 5) == CRM_LEDGER_SUM);
	CHECK(decoded("\1\1\0\4\0", 5) == CRM_LEDGER_ZERO);
	CHECK(decoded("\1\2\4\4\2\0\2", 7) == CRM_LEDGER_ORDER);
	CHECK(decoded("\1\x80\0\0", 4) == CRM_LEDGER_NOT_CANONICAL);
	CHECK(decoded("\1\1\2\5\0\2", 6) == CRM_LEDGER_NOT_CANONICAL);
	CHECK(decoded("\1\1\2\6\0\2", 6) == CRM_LEDGER_NOT_CANONICAL);
	CHECK(decoded("\1\1\0\2\1\2", 6) == CRM_LEDGER_DEBT);
	CHECK(decoded("\1\1\2\5\1\x20\2", 7) == CRM_LEDGER_CLASS);
	CHECK(decoded("\1\x91\3\0", 4) == CRM_LEDGER_FULL);
	CHECK(decoded("\1\1\2\xff\xff\xff\xff\x0f\2", 9) == CRM_LEDGER_DATE);
	CHECK(decoded("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0", 12) == CRM_LEDGER_OVERFLOW);
}

static void
test_limits(void)
{
	static CrmLedger full;
	static CrmLedger again;
	uint8_t		bytes[CRM_LEDGER_BYTES];
	size_t		length;
	CrmLot		lot = {.day = 0};

	bool		room = true;

	for (int i = 0; i < CRM_LEDGER_LOTS; i++, lot.day++)
		room = room && crm_ledger_change(&full, &lot, 1000000000) == CRM_LEDGER_OK;
	CHECK_AS(room && crm_ledger_change(&full, &lot, 1) == CRM_LEDGER_FULL, "400 lots and no more");
	CHECK(crm_ledger_encode(&full, bytes, &length) == CRM_LEDGER_OK);
	CHECK(crm_ledger_decode(bytes, length, &again) == CRM_LEDGER_OK && same(&full, &again));
	for (int i = 0; i < CRM_LEDGER_LOTS; i++)
		full.lot[i].amount = INT64_MAX;
	CHECK_AS(crm_ledger_encode(&full, bytes, &length) == CRM_LEDGER_OVERFLOW, "the sum must fit too");
	for (int i = 0; i < CRM_LEDGER_LOTS; i++)
	{
		full.lot[i].hold = i + 1;
		strcpy(full.lot[i].class, i % 2 ? "abcdefghijklmno" : "abcdefghijklmnp");
	}
	CHECK_AS(crm_ledger_encode(&full, bytes, &length) == CRM_LEDGER_FULL, "7000 bytes and no more");
}

static void
test_algebra(void)
{
	bool		commutes = true;
	bool		associates = true;
	bool		returns = true;
	bool		round_trip = true;
	bool		covers = true;

	srand(4);
	for (int i = 0; i < 20000; i++)
	{
		CrmLedger	a = random_ledger();
		CrmLedger	b = random_ledger();
		CrmLedger	c = random_ledger();
		CrmLedger	x;
		CrmLedger	y;
		CrmLedger	z;
		static char text[CRM_LEDGER_LOTS * CRM_LOT_TEXT + 3];
		uint8_t		bytes[CRM_LEDGER_BYTES];
		size_t		length;

		crm_ledger_combine(&x, &a, &b, 1);
		crm_ledger_combine(&y, &b, &a, 1);
		commutes = commutes && same(&x, &y);
		crm_ledger_combine(&z, &x, &b, -1);
		returns = returns && same(&z, &a);
		crm_ledger_combine(&z, &x, &c, 1);
		crm_ledger_combine(&y, &b, &c, 1);
		crm_ledger_combine(&x, &a, &y, 1);
		associates = associates && same(&x, &z);
		length = crm_ledger_format(&a, text);
		round_trip = round_trip && crm_ledger_parse(text, length, &y) == CRM_LEDGER_OK && same(&y, &a);
		crm_ledger_encode(&a, bytes, &length);
		round_trip = round_trip && crm_ledger_decode(bytes, length, &y) == CRM_LEDGER_OK && same(&y, &a);
		crm_ledger_combine(&x, &a, &b, -1);
		for (int j = 0; j < x.count; j++)
			if (x.lot[j].amount < 0)
				x.count = -1;
		covers = covers && crm_ledger_covers(&a, &b) == (x.count >= 0);
	}
	CHECK_AS(commutes, "a + b = b + a");
	CHECK_AS(associates, "(a + b) + c = a + (b + c)");
	CHECK_AS(returns, "(a + b) - b = a");
	CHECK_AS(round_trip, "text and bytes come back as they were");
	CHECK_AS(covers, "a @> b exactly when a - b has no negative component");
}

static void
test_questions(void)
{
	CrmLedger	ledger = L("{10@2026-06-30, 20@2026-12-31, 40@never, hold 2: 80@2026-06-30}");
	CrmLedger	debt = L("{debt 7, hold 1: 1@never}");
	int64_t		sum;
	int32_t		day;

	CHECK(crm_ledger_available(&ledger, 9677, &sum) && sum == 70);	/* 2026-06-30 */
	CHECK(crm_ledger_available(&ledger, 9678, &sum) && sum == 60);
	CHECK(crm_ledger_expiring(&ledger, 9677, &sum) && sum == 10);
	CHECK(crm_ledger_expiring(&ledger, CRM_DAY_NEVER, &sum) && sum == 30);
	CHECK(crm_ledger_held(&ledger, &sum) && sum == 80);
	CHECK(crm_ledger_debt(&ledger, &sum) && sum == 0);
	CHECK(crm_ledger_next_expiry(&ledger, &day) && day == 9677);
	CHECK(crm_ledger_debt(&debt, &sum) && sum == 7);
	CHECK(crm_ledger_available(&debt, 0, &sum) && sum == 0);
	CHECK(!crm_ledger_next_expiry(&debt, &day));
}

/* One operation on a state of its own: the status, the state after, the delta. */
static CrmPointsOutcome out;

static bool
gives(const char *state, CrmPointsOp op, const CrmPointsRef *ref, bool locked, const char *after, const char *delta)
{
	CrmPointsRules rules = {.redeem_min = 5, .allow_debt = true, .auto_open = true};
	CrmPointsAccount account = {.opened = true, .locked = locked, .state = L(state)};

	op.has_amount = op.amount != 0;
	op.receiver_opens = true;
	if (op.hold == 0)
		op.hold = 9;
	return crm_points_apply(&rules, &account, &op, ref, &out) == CRM_POINTS_DONE && out.fault == CRM_LEDGER_OK &&
		prints(&out.after.state, after) && prints(&out.delta, delta);
}

static CrmPointsStatus
status(const char *state, CrmPointsOp op, const CrmPointsRef *ref, bool locked)
{
	CrmPointsRules rules = {.redeem_min = 5};
	CrmPointsAccount account = {.opened = true, .locked = locked, .state = L(state)};

	op.has_amount = op.amount != 0;
	op.receiver_opens = true;
	return crm_points_apply(&rules, &account, &op, ref, &out);
}

#define OP(k, n) ((CrmPointsOp) {.kind = CRM_POINTS_##k, .amount = (n), .business_date = 9677, .expires_on = CRM_DAY_NEVER})

static CrmPointsOp
on(CrmPointsOp op, int32_t business_date)
{
	op.business_date = business_date;
	return op;
}

static CrmPointsOp
until(CrmPointsOp op, int32_t expires_on)
{
	op.expires_on = expires_on;
	return op;
}

static CrmPointsOp
to_oneself(CrmPointsOp op)
{
	op.to_oneself = true;
	return op;
}

static void
test_law(void)
{
	CrmLedger	taken = L("{-10@2026-06-30, -20@2026-12-31, -40@never}");
	CrmPointsRef redemption = {.found = true, .kind = CRM_POINTS_REDEEM, .amount = -70, .delta = &taken};
	CrmPointsRef earning = {.found = true, .kind = CRM_POINTS_EARN, .amount = 50, .expires_on = CRM_DAY_NEVER};
	CrmPointsRef old = {.found = true, .kind = CRM_POINTS_GIFT, .amount = 50, .expires_on = 9676};
	CrmPointsRef hold = {.found = true, .kind = CRM_POINTS_FREEZE, .amount = -30, .hold = 3};
	const char *lots = "{10@2026-06-30, 20@2026-12-31, 40@never}";

	CHECK(gives("{debt 30}", OP(EARN, 50), NULL, false, "{20@never}", "{debt -30, 20@never}"));
	CHECK(gives(lots, OP(REDEEM, 25), NULL, false, "{5@2026-12-31, 40@never}", "{-10@2026-06-30, -15@2026-12-31}"));
	CHECK(gives(lots, OP(FREEZE, 11), NULL, false, "{19@2026-12-31, 40@never, hold 9: 10@2026-06-30, hold 9: 1@2026-12-31}",
				"{-10@2026-06-30, -1@2026-12-31, hold 9: 10@2026-06-30, hold 9: 1@2026-12-31}"));
	CHECK(gives("{1@2026-06-29, 9@never}", OP(REDEEM, 9), NULL, false, "{}", "{-9@never}"));
	CHECK(prints(&out.expired, "{-1@2026-06-29}"));
	CHECK(gives("{}", OP(REVERSE_REDEEM, 45), &redemption, false, "{5@2026-12-31, 40@never}", "{5@2026-12-31, 40@never}"));
	redemption.reversed = 45;
	CHECK(gives("{}", OP(REVERSE_REDEEM, 0), &redemption, false, "{10@2026-06-30, 15@2026-12-31}", "{10@2026-06-30, 15@2026-12-31}"));
	CHECK(gives("{debt 12}", on(OP(REVERSE_REDEEM, 0), 9678), &redemption, false, "{13@2026-12-31}",
				"{debt -12, 13@2026-12-31}"));
	CHECK(status("{}", OP(REVERSE_REDEEM, 26), &redemption, false) == CRM_POINTS_OVER_REVERSAL);
	CHECK(gives("{}", on(OP(REVERSE_REDEEM, 0), 9678), &redemption, false, "{15@2026-12-31}",
				"{10@2026-06-30, 15@2026-12-31}"));
	CHECK_AS(prints(&out.lapsed, "{-10@2026-06-30}"), "what is given back past its day is posted as expired");
	CHECK(gives("{5@2026-06-30, 20@never}", OP(REVERSE_EARN, 22), &earning, false, "{3@2026-06-30}", "{-2@2026-06-30, -20@never}"));
	CHECK(gives("{5@2026-06-30, hold 2: 9@never}", OP(REVERSE_EARN, 0), &earning, false, "{debt 45, hold 2: 9@never}", "{debt 45, -5@2026-06-30}"));
	CHECK(status("{5@2026-06-30}", OP(REVERSE_EARN, 0), &earning, false) == CRM_POINTS_INSUFFICIENT);
	CHECK(status(lots, OP(REVERSE_EARN, 1), &old, false) == CRM_POINTS_EXPIRED);
	CHECK(gives("{hold 3: 10@2026-06-30, hold 3: 20@never}", OP(CAPTURE, 12), &hold, true, "{hold 3: 18@never}",
				"{hold 3: -10@2026-06-30, hold 3: -2@never}"));
	CHECK(gives("{hold 3: 10@2026-06-30, hold 3: 20@never}", OP(UNFREEZE, 22), &hold, true, "{2@2026-06-30, 20@never, hold 3: 8@2026-06-30}",
				"{2@2026-06-30, 20@never, hold 3: -2@2026-06-30, hold 3: -20@never}"));
	CHECK(status("{}", OP(UNFREEZE, 0), &hold, false) == CRM_POINTS_OVER_REVERSAL);
	CHECK(gives(lots, OP(ADJUST, -70), NULL, true, "{}", "{-10@2026-06-30, -20@2026-12-31, -40@never}"));
	CHECK(gives(lots, OP(TRANSFER, 12), NULL, false, "{18@2026-12-31, 40@never}", "{-10@2026-06-30, -2@2026-12-31}"));
	CHECK(prints(&out.moved, "{10@2026-06-30, 2@2026-12-31}"));
	CHECK(gives(lots, OP(LOCK, 0), NULL, true, lots, "{}") && out.after.locked);
	CHECK(status(lots, OP(REDEEM, 6), NULL, true) == CRM_POINTS_LOCKED);
	CHECK(status(lots, OP(REDEEM, 4), NULL, false) == CRM_POINTS_BELOW_MIN);
	CHECK(status(lots, OP(REDEEM, -4), NULL, true) == CRM_POINTS_BAD_AMOUNT);
	CHECK(status(lots, OP(REDEEM, 71), NULL, false) == CRM_POINTS_INSUFFICIENT);
	CHECK(status(lots, until(OP(EARN, 1), 9676), NULL, false) == CRM_POINTS_ALREADY_EXPIRED);
	CHECK(status(lots, to_oneself(OP(TRANSFER, 1)), NULL, false) == CRM_POINTS_SAME_ACCOUNT);
	CHECK(status(lots, OP(CAPTURE, 1), NULL, false) == CRM_POINTS_NOT_FOUND);
	CHECK(status(lots, OP(CAPTURE, 1), &redemption, false) == CRM_POINTS_NOT_FOUND);
	CHECK(status(lots, OP(ADJUST, INT64_MIN), NULL, false) == CRM_POINTS_INSUFFICIENT);
	CHECK(status("{9223372036854775807@never}", OP(EARN, 1), NULL, false) == CRM_POINTS_DONE && out.fault == CRM_LEDGER_OVERFLOW);
}

/* A merge: lots come and go as they are said to. */
static bool
shifts(const char *state, const char *change, const char *after, const char *delta)
{
	static CrmPointsAccount account;
	CrmLedger	change_ledger = L(change);

	account.state = L(state);
	crm_points_shift(&account, &change_ledger, 9677, &out);
	return out.fault == CRM_LEDGER_OK && prints(&out.after.state, after) && prints(&out.delta, delta);
}

static void
test_shift(void)
{
	CHECK(shifts("{}", "{5@never, hold 3: 4@2026-06-29}", "{5@never, hold 3: 4@2026-06-29}", "{5@never, hold 3: 4@2026-06-29}") && out.amount == 9);
	CHECK(shifts("{5@never, hold 3: 4@never}", "{-5@never, hold 3: -4@never}", "{}", "{-5@never, hold 3: -4@never}") && out.amount == -9);
	CHECK(shifts("{3@2026-12-31, 9@never}", "{-5@2026-12-31}", "{7@never}", "{-3@2026-12-31, -2@never}") && out.amount == -5);
	CHECK(shifts("{3@2026-12-31, hold 1: 9@never}", "{-5@2026-12-31}", "{debt 2, hold 1: 9@never}", "{debt 2, -3@2026-12-31}") && out.amount == -5);
	CHECK(shifts("{3@never}", "{debt 5}", "{debt 2}", "{debt 2, -3@never}"));
	CHECK(shifts("{debt 5}", "{debt -5}", "{}", "{debt -5}"));
	CHECK(shifts("{debt 5}", "{7@never}", "{2@never}", "{debt -5, 2@never}"));
	CHECK(shifts("{}", "{7@2026-06-29}", "{}", "{7@2026-06-29}") && prints(&out.lapsed, "{-7@2026-06-29}"));
	CHECK(shifts("{7@2026-06-29, 2@never}", "{-7@2026-06-29}", "{2@never}", "{-7@2026-06-29}") && prints(&out.expired, "{}"));
	CHECK(shifts("{2@never}", "{-7@2026-06-29}", "{2@never}", "{-7@2026-06-29}") && prints(&out.expired, "{7@2026-06-29}"));
}

/*
 * The slow model of a shift: points counted by hold, day and class, the day on which
 * it happens between the second and the third; written from the law's words alone.
 */
#define HOLDS 3
#define DAYS 4
#define CLASSES 2
static const int32_t shift_day[DAYS] = {9600, 9670, 9700, CRM_DAY_NEVER};
static uint32_t shift_seed = 11;

typedef struct Count
{
	int			at[HOLDS][DAYS][CLASSES];
	int			debt;
} Count;

static int
chance(int n)
{
	shift_seed = shift_seed * 1664525 + 1013904223;
	return (int) (shift_seed >> 16) % n;
}

static CrmLedger
ledger_of(const Count *count)
{
	CrmLedger	ledger = {0};
	CrmLot		lot = {.day = CRM_DAY_DEBT};

	crm_ledger_change(&ledger, &lot, -count->debt);
	for (int h = 0; h < HOLDS; h++)
		for (int d = 0; d < DAYS; d++)
			for (int c = 0; c < CLASSES; c++)
			{
				lot = (CrmLot) {.hold = h * 7, .day = shift_day[d], .class = {c ? 'x' : '\0'}};
				crm_ledger_change(&ledger, &lot, count->at[h][d][c]);
			}
	return ledger;
}

/* Both ends of what can be: a state, and a change that holds and debt can bear. */
static void
random_shift(Count *state, Count *change)
{
	int			is_owing = chance(3) == 0;

	memset(state, 0, sizeof(*state));
	memset(change, 0, sizeof(*change));
	state->debt = is_owing ? 1 + chance(9) : 0;
	change->debt = chance(3) ? 0 : chance(12) - (state->debt < 6 ? state->debt : 6);
	for (int h = 0; h < HOLDS; h++)
		for (int d = 0; d < DAYS; d++)
			for (int c = 0; c < CLASSES; c++)
			{
				int		   *there = &state->at[h][d][c];

				if (chance(2) && !(is_owing && h == 0))
					*there = chance(9);
				if (chance(3) == 0)
					change->at[h][d][c] = chance(19) - (h == 0 ? 9 : *there);
			}
}

static void
shift_by_hand(Count *state, const Count *change)
{
	state->debt += change->debt;
	for (int h = 0; h < HOLDS; h++)
		for (int d = 0; d < DAYS; d++)
			for (int c = 0; c < CLASSES; c++)
			{
				int			moves = change->at[h][d][c];
				bool		is_past = h == 0 && d < 2;

				/* What is past its day is not there, but what is taken of it was. */
				if (is_past)
					state->at[h][d][c] = moves < 0 ? -moves : 0;
				state->at[h][d][c] += moves;
				if (state->at[h][d][c] >= 0)
					continue;
				state->debt -= state->at[h][d][c];
				state->at[h][d][c] = 0;
			}
	for (int d = 0; d < DAYS; d++)
		for (int c = 0; c < CLASSES; c++)
			while (state->debt > 0 && state->at[0][d][c] > 0)
			{
				state->debt--;
				state->at[0][d][c]--;
			}
	memset(state->at[0][0], 0, 2 * sizeof(state->at[0][0]));
}

static void
test_shift_at_random(void)
{
	static CrmPointsAccount account;
	int			wrong = 0;
	int			owed = 0;

	for (int round = 0; round < 20000; round++)
	{
		Count		state;
		Count		change;
		CrmLedger	moves;
		CrmLedger	expected;
		CrmLedger	sum;

		random_shift(&state, &change);
		account.state = ledger_of(&state);
		moves = ledger_of(&change);
		crm_points_shift(&account, &moves, 9677, &out);
		shift_by_hand(&state, &change);
		expected = ledger_of(&state);
		owed += state.debt > 0;
		crm_ledger_combine(&sum, &account.state, &out.expired, 1);
		crm_ledger_combine(&moves, &sum, &out.delta, 1);
		crm_ledger_combine(&sum, &moves, &out.lapsed, 1);
		wrong += out.fault != CRM_LEDGER_OK || !same(&expected, &out.after.state) || !same(&sum, &out.after.state);
	}
	CHECK(wrong == 0);
	CHECK(owed > 1000 && owed < 19000);
}

/* Boundaries: a day on which a lot still counts and one on which it does not, and so on. */
static void
test_edges(void)
{
	CrmPointsRef earning = {.found = true, .kind = CRM_POINTS_EARN, .amount = 50, .expires_on = 9677};
	CrmPointsRef captured = {.found = true, .kind = CRM_POINTS_CAPTURE, .amount = -5};
	CrmLedger	held = L("{hold 4: -5@never}");

	captured.delta = &held;
	CHECK(status("{5@2026-06-30}", OP(REDEEM, 5), NULL, false) == CRM_POINTS_DONE);
	CHECK(status("{5@2026-06-29}", OP(REDEEM, 5), NULL, false) == CRM_POINTS_INSUFFICIENT);
	CHECK(status("{5@never}", OP(REDEEM, 5), NULL, false) == CRM_POINTS_DONE);
	CHECK(status("{}", until(OP(EARN, 1), 9677), NULL, false) == CRM_POINTS_DONE);
	CHECK(status("{50@2026-06-30}", OP(REVERSE_EARN, 50), &earning, false) == CRM_POINTS_DONE);
	CHECK(status("{50@2026-06-30}", OP(REVERSE_EARN, 51), &earning, false) == CRM_POINTS_OVER_REVERSAL);
	CHECK(gives("{}", OP(REVERSE_REDEEM, 0), &captured, false, "{5@never}", "{5@never}"));
	CHECK(gives("{2:a@never, 3:b@never}", OP(REDEEM, 5), NULL, false, "{}", "{-2:a@never, -3:b@never}") && out.amount == -5);
	CHECK(gives("{8@never}", OP(FREEZE, 1), NULL, false, "{7@never, hold 9: 1@never}", "{-1@never, hold 9: 1@never}"));
	CHECK(status("{8@never}", OP(FREEZE, 1), NULL, true) == CRM_POINTS_LOCKED);
	CHECK(status("{8@never}", OP(TRANSFER, 1), NULL, true) == CRM_POINTS_LOCKED);
	CHECK(status("{8@never}", OP(EARN, 1), NULL, true) == CRM_POINTS_DONE);
}

int
main(void)
{
	test_shift();
	test_shift_at_random();
	test_edges();
	test_text();
	test_bytes();
	test_limits();
	test_algebra();
	test_questions();
	test_law();
	return unit_done();
}
