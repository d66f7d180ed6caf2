/*
 * Proves: no text and no bytes crash the points ledger's readers; what they accept
 * has one form, which comes back as it was; and no operation on an accepted state,
 * with numbers from outside, loses or makes a point: after = before + the entries.
 */
#include "points/points_core.h"

#include <stdlib.h>
#include <string.h>

static char text[CRM_LEDGER_LOTS * CRM_LOT_TEXT + 3];
static CrmLedger first;
static CrmLedger second;
static CrmPointsAccount account;
static CrmPointsOutcome out;

static void
fuzz_text(const uint8_t *data, size_t size)
{
	static char again[sizeof(text)];
	size_t		length;

	if (crm_ledger_parse((const char *) data, size, &first) != CRM_LEDGER_OK)
		return;
	length = crm_ledger_format(&first, text);
	if (crm_ledger_parse(text, length, &second) != CRM_LEDGER_OK ||
		crm_ledger_format(&second, again) != length || memcmp(text, again, length) != 0)
		abort();
}

/* A state as an account can have it: nothing negative but the debt, which stands alone. */
static bool
is_state(const CrmLedger *ledger)
{
	int64_t		sum;
	bool		debt = ledger->count > 0 && ledger->lot[0].day == CRM_DAY_DEBT;

	for (int32_t i = debt; i < ledger->count; i++)
		if (ledger->lot[i].amount < 0 || (debt && ledger->lot[i].hold == 0))
			return false;
	return !(debt && ledger->lot[0].amount > 0) && crm_ledger_held(ledger, &sum) && crm_ledger_debt(ledger, &sum);
}

static void
fuzz_law(const CrmLedger *state, uint8_t kind, int8_t amount)
{
	CrmPointsRules rules = {.allow_debt = amount % 2, .auto_open = true};
	CrmPointsOp op = {.kind = kind % (CRM_POINTS_UNLOCK + 1), .has_amount = amount != 0, .amount = amount,
	.business_date = 9000 + amount, .expires_on = 9100, .receiver_opens = true, .hold = 77};
	CrmPointsRef ref = {.found = true, .kind = kind % 3 ? CRM_POINTS_EARN : CRM_POINTS_FREEZE, .amount = 100, .hold = 3, .expires_on = 9100};

	account.opened = true;
	crm_ledger_copy(&account.state, state);
	if (op.kind == CRM_POINTS_REVERSE_REDEEM)
		return;
	if (crm_points_apply(&rules, &account, &op, &ref, &out) != CRM_POINTS_DONE || out.fault != CRM_LEDGER_OK)
		return;
	if (crm_ledger_combine(&first, state, &out.expired, 1) != CRM_LEDGER_OK ||
		crm_ledger_combine(&second, &first, &out.delta, 1) != CRM_LEDGER_OK ||
		crm_ledger_combine(&first, &second, &out.lapsed, 1) != CRM_LEDGER_OK)
		return;					/* a step in between may have too many lots */
	if (first.count != out.after.state.count ||
		memcmp(first.lot, out.after.state.lot, sizeof(CrmLot) * (size_t) first.count) != 0 || !is_state(&first))
		abort();
}

/* A shift by what bytes say; of holds and debt no more than there is, which its callers see to. */
static void
fuzz_shift(const CrmLedger *state, const CrmLedger *change)
{
	int64_t		sum = 0;

	for (int32_t i = 0; i < change->count; i++)
	{
		const CrmLot *lot = &change->lot[i];

		if ((lot->hold != 0 && lot->amount < 0 && crm_ledger_amount(state, lot) < -lot->amount) ||
			(lot->day == CRM_DAY_DEBT && lot->amount > 0 && -crm_ledger_amount(state, lot) < lot->amount))
			return;
	}
	account.opened = true;
	crm_ledger_copy(&account.state, state);
	crm_points_shift(&account, change, 9677, &out);
	if (out.fault != CRM_LEDGER_OK)
		return;
	for (int32_t i = 0; i < out.delta.count; i++)
		sum += out.delta.lot[i].amount;
	if (sum != out.amount || crm_ledger_combine(&first, state, &out.expired, 1) != CRM_LEDGER_OK ||
		crm_ledger_combine(&second, &first, &out.delta, 1) != CRM_LEDGER_OK ||
		crm_ledger_combine(&first, &second, &out.lapsed, 1) != CRM_LEDGER_OK)
	{
		if (sum != out.amount)
			abort();
		return;
	}
	if (first.count != out.after.state.count ||
		memcmp(first.lot, out.after.state.lot, sizeof(CrmLot) * (size_t) first.count) != 0 || !is_state(&first))
		abort();
}

/* Two ledgers, the first as long as the first byte says. */
static void
fuzz_pair(const uint8_t *data, size_t size)
{
	static CrmLedger state;
	static CrmLedger change;

	if (size < 2 || data[0] > size - 1 || crm_ledger_decode(data + 1, data[0], &state) != CRM_LEDGER_OK ||
		crm_ledger_decode(data + 1 + data[0], size - 1 - data[0], &change) != CRM_LEDGER_OK || !is_state(&state))
		return;
	fuzz_shift(&state, &change);
}

static void
fuzz_bytes(const uint8_t *data, size_t size)
{
	static CrmLedger ledger;
	uint8_t		bytes[CRM_LEDGER_BYTES];
	size_t		length;

	if (crm_ledger_decode(data, size, &ledger) != CRM_LEDGER_OK)
		return;
	if (crm_ledger_encode(&ledger, bytes, &length) != CRM_LEDGER_OK || length != size || memcmp(bytes, data, size) != 0)
		abort();
	for (int kind = 0; is_state(&ledger) && kind <= CRM_POINTS_UNLOCK; kind++)
		fuzz_law(&ledger, (uint8_t) kind, (int8_t) data[size - 1]);
	if (is_state(&ledger))
	{
		static CrmLedger back;
		static const CrmLedger none = {0};

		fuzz_shift(&ledger, &ledger);
		if (crm_ledger_combine(&back, &none, &ledger, -1) == CRM_LEDGER_OK)
			fuzz_shift(&ledger, &back);
	}
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text(data, size);
	fuzz_bytes(data, size);
	fuzz_pair(data, size);
	return 0;
}
