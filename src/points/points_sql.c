/*
 * points_sql.c: what the postings read and write, by saved plans.
 *
 * Each statement runs as the tables' owner with a snapshot of its own, as in any
 * function that is VOLATILE: an entry is looked for after its account's row is
 * locked, so whatever the last holder of the lock committed is seen.
 */
#include "points_store.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "access/xact.h"

/* Whether it is us who write; triggers keep all others off. */
static bool posting = false;

typedef enum Statement
{
	READ_PROGRAMME,
	LOCK_ACCOUNT,
	FIND_ENTRY,
	READ_REVERSED,
	ADD_REVERSED,
	ADD_REASON,
	READ_APPROVAL,
	READ_OBSTACLE,
	READ_ARREARS,
	NOTE_ARREARS_LOCK,
	INSERT_ENTRY,
	INSERT_ACCOUNT,
	UPDATE_ACCOUNT,
	STATEMENTS
} Statement;

/* Made for the types of the extension that is installed. */
static SPIPlanPtr plans[STATEMENTS];
static Oid	plans_ledger;

static const char *const statement_text[STATEMENTS] = {
	[READ_PROGRAMME] = "SELECT redeem_min, allow_debt, auto_open, is_chained, adjust_limit,"
	" EXISTS (SELECT FROM crm_data.points_redeem_rule WHERE programme OPERATOR(pg_catalog.=) $1)"
	" OR EXISTS (SELECT FROM crm_data.points_transfer_rule WHERE programme OPERATOR(pg_catalog.=) $1)"
	" OR EXISTS (SELECT FROM crm_data.points_type WHERE programme OPERATOR(pg_catalog.=) $1 AND (redeemable_for IS NOT NULL OR NOT is_transferable)),"
	" NOT free_credit AND EXISTS (SELECT FROM crm_data.points_rule WHERE programme OPERATOR(pg_catalog.=) $1 AND state OPERATOR(pg_catalog.=) 'approved')"
	" FROM crm_data.points_programme WHERE programme OPERATOR(pg_catalog.=) $1",
	[LOCK_ACCOUNT] = "SELECT status OPERATOR(pg_catalog.=) 'l', seq, chain, state, ctid FROM crm_data.points_account"
	" WHERE customer_code OPERATOR(crm.=) $1 AND programme OPERATOR(pg_catalog.=) $2 FOR NO KEY UPDATE",
	[FIND_ENTRY] = "SELECT programme, kind, seq, amount, available, held, debt, expires_on, class, counterparty, is_rest, ref, delta"
	" FROM crm_data.points_journal WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2",
	[READ_REVERSED] = "SELECT (SELECT reversed FROM crm_data.points_reversal WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2),"
	" EXISTS (SELECT FROM crm_data.points_redemption WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2 AND cancelled_by IS NULL)",
	/* What comes back of a gift can be given again out of its batch. */
	[ADD_REVERSED] = "WITH gift AS (UPDATE crm_data.points_gift_batch b SET returned = b.returned OPERATOR(pg_catalog.+) $3 FROM crm_data.points_gift_use u"
	" WHERE u.customer_code OPERATOR(crm.=) $1 AND u.request_id OPERATOR(pg_catalog.=) $2 AND b.batch OPERATOR(pg_catalog.=) u.batch)"
	" INSERT INTO crm_data.points_reversal AS r (customer_code, request_id, reversed) VALUES ($1, $2, $3)"
	" ON CONFLICT ON CONSTRAINT points_reversal_pkey DO UPDATE SET reversed = r.reversed OPERATOR(pg_catalog.+) excluded.reversed",
	[ADD_REASON] = "INSERT INTO crm_data.points_reason (customer_code, request_id, reason) VALUES ($1, $2, $3)",
	[READ_APPROVAL] = "SELECT CASE WHEN approved_by OPERATOR(pg_catalog.=) SESSION_USER THEN 1 ELSE 2 END::bigint FROM crm_data.points_approval"
	" WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2 AND programme OPERATOR(pg_catalog.=) $3 AND amount OPERATOR(pg_catalog.=) $4",
	[READ_OBSTACLE] = "SELECT crm.points_obstacle($1, $2, $3, $4, $5)",
	[READ_ARREARS] = "SELECT o.n FROM pg_catalog.unnest($1) WITH ORDINALITY o (customer_code, n)"
	" JOIN crm_data.points_standing s ON s.customer_code OPERATOR(crm.=) o.customer_code WHERE s.arrears",
	[NOTE_ARREARS_LOCK] = "UPDATE crm_data.points_standing SET locked = locked OPERATOR(pg_catalog.||) $2 WHERE customer_code OPERATOR(crm.=) $1",
	[INSERT_ENTRY] = "INSERT INTO crm_data.points_journal (customer_code, request_id, programme, kind, seq, amount, available, held, debt,"
	" posted_at, business_date, expires_on, class, counterparty, is_rest, ref, delta, hash, rule_version)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
	" ON CONFLICT ON CONSTRAINT points_journal_pkey DO NOTHING",
	[INSERT_ACCOUNT] = "INSERT INTO crm_data.points_account (customer_code, programme, status, seq, chain, state)"
	" VALUES ($1, $2, CASE WHEN $3 THEN 'l' ELSE 'o' END, $4, $5, $6) ON CONFLICT ON CONSTRAINT points_account_pkey DO NOTHING",
	[UPDATE_ACCOUNT] = "UPDATE crm_data.points_account SET status = CASE WHEN $2 THEN 'l' ELSE 'o' END, seq = $3, chain = $4, state = $5"
	" WHERE ctid OPERATOR(pg_catalog.=) $1",
};

PG_FUNCTION_INFO_V1(crm_points_keep);
Datum
crm_points_keep(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.points_keep() is a trigger")));
	if (!posting && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("points are written by postings only"),
				 errhint("Correct points with crm.points_adjust() or crm.points_reverse().")));
	PG_RETURN_POINTER(NULL);
}

/*
 * What gifts, rewards, approvals and standings rest on is written by functions that
 * run as the owner for others.  Whoever takes the owner's role himself is in none.
 */
PG_FUNCTION_INFO_V1(crm_points_keep_records);
Datum
crm_points_keep_records(PG_FUNCTION_ARGS)
{
	Oid			user;
	int			security;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.points_keep_records() is a trigger")));
	GetUserIdAndSecContext(&user, &security);
	if ((security & SECURITY_LOCAL_USERID_CHANGE) == 0 && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("records of points are written by their functions only"),
				 errhint("The comment of the table names the functions.")));
	PG_RETURN_POINTER(NULL);
}

static SPIPlanPtr
plan_of(Statement which, int count, const Oid *types)
{
	SPIPlanPtr	plan;

	if (plans_ledger != crm_points_types()->ledger)
	{
		/* One may be running further out, so they are left alone. */
		memset(plans, 0, sizeof(plans));
		plans_ledger = crm_points_types()->ledger;
	}
	if (plans[which] != NULL)
		return plans[which];
	plan = SPI_prepare(statement_text[which], count, (Oid *) types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return plans[which] = plan;
}

/* Run a statement; whether it gave or changed a row.  finish() must follow. */
static bool
run(Statement which, int count, const Oid *types, Datum *values, const char *nulls)
{
	bool		was_posting = posting;
	Oid			user;
	int			security;
	int			result;

	SPI_connect();
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(get_role_oid("crm_owner", false), security | SECURITY_LOCAL_USERID_CHANGE);
	posting = true;
	PG_TRY();
	{
		result = SPI_execute_plan(plan_of(which, count, types), values, nulls, false, 0);
	}
	PG_FINALLY();
	{
		posting = was_posting;
	}
	PG_END_TRY();
	SetUserIdAndSecContext(user, security);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	return SPI_processed == 1;
}

static bool
finish(bool found)
{
	SPI_finish();
	return found;
}

static Datum
column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, isnull);
}

static int64
number_column(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static bool
bool_column(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	return !isnull && DatumGetBool(value);
}

/* A copy in the caller's memory, or NULL. */
static char *
text_column(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	text	   *packed;
	char	   *copy;

	if (isnull)
		return NULL;
	packed = DatumGetTextPP(value);
	copy = SPI_palloc(VARSIZE_ANY_EXHDR(packed) + 1);
	text_to_cstring_buffer(packed, copy, VARSIZE_ANY_EXHDR(packed) + 1);
	return copy;
}

static Datum
ledger_column(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	return SPI_datumTransfer(value, false, -1);
}

static Datum
hash_datum(const uint8 hash[CRM_HASH_SIZE])
{
	bytea	   *value = palloc(VARHDRSZ + CRM_HASH_SIZE);

	SET_VARSIZE(value, VARHDRSZ + CRM_HASH_SIZE);
	memcpy(VARDATA(value), hash, CRM_HASH_SIZE);
	return PointerGetDatum(value);
}

/* -- programmes and accounts ----------------------------------------------------------- */

bool
crm_sql_programme(const char *name, CrmProgramme *programme)
{
	const Oid	types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	bool		isnull;
	Datum		limit;

	if (!run(READ_PROGRAMME, 1, types, values, NULL))
		return finish(false);
	strlcpy(programme->name, name, CRM_PROGRAMME_SIZE);
	programme->rules.redeem_min = number_column(1);
	programme->rules.allow_debt = bool_column(2);
	programme->rules.auto_open = bool_column(3);
	programme->is_chained = bool_column(4);
	limit = column(5, &isnull);
	programme->adjust_limit = isnull ? PG_INT64_MAX : DatumGetInt64(limit);
	programme->rules_spending = bool_column(6);
	programme->rules_credits = bool_column(7);
	return finish(true);
}

bool
crm_sql_lock(CrmAccount *account)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID};
	Datum		values[] = {Int64GetDatum(account->customer), CStringGetTextDatum(account->programme->name)};
	bool		isnull;
	Datum		chain;

	if (!run(LOCK_ACCOUNT, 2, types, values, NULL))
		return finish(false);
	account->exists = true;
	account->locked = bool_column(1);
	account->seq = number_column(2);
	chain = column(3, &isnull);
	if (!isnull)
		memcpy(account->chain, VARDATA_ANY(DatumGetByteaPP(chain)), CRM_HASH_SIZE);
	account->state = ledger_column(4);
	account->place = *(ItemPointer) DatumGetPointer(column(5, &isnull));
	return finish(true);
}

/*
 * The row is found by its place, which nobody else can change; a posting by a
 * trigger inside this one has, and then this one's picture of it is old.
 */
bool
crm_sql_save(const CrmAccount *account)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID, BOOLOID, INT8OID, BYTEAOID, crm_points_types()->ledger};
	const Oid	update_types[] = {TIDOID, BOOLOID, INT8OID, BYTEAOID, crm_points_types()->ledger};
	const char *nulls = account->programme->is_chained ? NULL : "    n ";
	Datum		values[] = {Int64GetDatum(account->customer), CStringGetTextDatum(account->programme->name),
	BoolGetDatum(account->locked), Int64GetDatum(account->seq), hash_datum(account->chain), account->state};

	if (!account->exists)
		return finish(run(INSERT_ACCOUNT, 6, types, values, nulls));
	values[1] = PointerGetDatum(&account->place);
	return finish(run(UPDATE_ACCOUNT, 5, update_types, values + 1, nulls ? nulls + 1 : NULL));
}

/* -- entries ------------------------------------------------------------------------------ */

bool
crm_sql_find(int64 customer, const char *request_id, CrmJournal *found)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id)};
	bool		isnull;
	Datum		expires_on;
	char	   *class;

	if (!run(FIND_ENTRY, 2, types, values, NULL))
		return finish(false);
	memset(found, 0, sizeof(*found));
	found->customer = customer;
	found->request_id = request_id;
	found->programme = text_column(1);
	found->kind = crm_points_kind_named(text_column(2));
	found->seq = number_column(3);
	found->amount = number_column(4);
	found->available = number_column(5);
	found->held = number_column(6);
	found->debt = number_column(7);
	expires_on = column(8, &isnull);
	found->has_expiry = !isnull;
	found->expires_on = isnull ? 0 : DatumGetDateADT(expires_on);
	class = text_column(9);
	if (class != NULL)
		strlcpy(found->class, class, CRM_CLASS_SIZE);
	found->counterparty = number_column(10);
	found->is_rest = bool_column(11);
	found->ref = text_column(12);
	found->delta = ledger_column(13);
	return finish(true);
}

/* False when the customer has an entry of this name already. */
bool
crm_sql_insert(const CrmJournal *e)
{
	Oid			code = crm_points_types()->code;
	const Oid	types[] = {code, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
	TIMESTAMPTZOID, DATEOID, DATEOID, TEXTOID, code, BOOLOID, TEXTOID, crm_points_types()->ledger, BYTEAOID, INT4OID};
	char		nulls[] = "                   ";
	Datum		values[] = {Int64GetDatum(e->customer), CStringGetTextDatum(e->request_id), CStringGetTextDatum(e->programme),
		CStringGetTextDatum(crm_points_kind_name[e->kind]), Int64GetDatum(e->seq), Int64GetDatum(e->amount),
		Int64GetDatum(e->available), Int64GetDatum(e->held), Int64GetDatum(e->debt),
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), DateADTGetDatum(e->business_date),
		DateADTGetDatum(e->expires_on), CStringGetTextDatum(e->class), Int64GetDatum(e->counterparty),
	BoolGetDatum(e->is_rest), e->ref ? CStringGetTextDatum(e->ref) : (Datum) 0, e->delta, hash_datum(e->hash),
	Int32GetDatum(e->rule_version)};

	nulls[7] = e->held == 0 ? 'n' : ' ';
	nulls[8] = e->debt == 0 ? 'n' : ' ';
	nulls[11] = e->has_expiry ? ' ' : 'n';
	nulls[12] = e->has_expiry && e->class[0] != '\0' ? ' ' : 'n';
	nulls[13] = e->counterparty == 0 ? 'n' : ' ';
	nulls[14] = e->is_rest ? ' ' : 'n';
	nulls[15] = e->ref == NULL ? 'n' : ' ';
	nulls[17] = e->is_chained ? ' ' : 'n';
	nulls[18] = e->rule_version == 0 ? 'n' : ' ';
	return finish(run(INSERT_ENTRY, 19, types, values, nulls));
}

int64
crm_store_reversed(int64 customer, const char *request_id, bool *is_reward)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id)};
	int64		reversed = run(READ_REVERSED, 2, types, values, NULL) ? number_column(1) : 0;

	*is_reward = bool_column(2);
	SPI_finish();
	return reversed;
}

void
crm_store_add_reversed(int64 customer, const char *request_id, int64 amount)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID, INT8OID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id), Int64GetDatum(amount)};

	run(ADD_REVERSED, 3, types, values, NULL);
	SPI_finish();
}

void
crm_store_note_reason(int64 customer, const char *request_id, const char *reason)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id), CStringGetTextDatum(reason)};

	run(ADD_REASON, 3, types, values, NULL);
	SPI_finish();
}

int
crm_store_approved(int64 customer, const char *request_id, const char *programme, int64 amount)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID, TEXTOID, INT8OID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id), CStringGetTextDatum(programme), Int64GetDatum(amount)};
	int			persons = run(READ_APPROVAL, 4, types, values, NULL) ? (int) number_column(1) : 0;

	SPI_finish();
	return persons;
}

/* One question for all that a call may open. */
void
crm_store_ask_arrears(CrmAccount *accounts, int count)
{
	const Oid	types[] = {get_array_type(crm_points_types()->code)};
	Datum	   *codes = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * count);
	CrmAccount **missing = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CrmAccount *) * count);
	int			n = 0;
	Datum		values[1];

	for (int i = 0; i < count; i++)
		if (!accounts[i].exists)
		{
			codes[n] = Int64GetDatum(accounts[i].customer);
			missing[n++] = &accounts[i];
		}
	if (n > 0)
	{
		values[0] = PointerGetDatum(construct_array(codes, n, crm_points_types()->code, sizeof(int64), true, TYPALIGN_DOUBLE));
		run(READ_ARREARS, 1, types, values, NULL);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			Datum		place = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

			missing[DatumGetInt64(place) - 1]->in_arrears = true;
		}
		SPI_finish();
	}
	pfree(codes);
	pfree(missing);
}

void
crm_store_note_arrears_lock(const CrmAccount *account)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID};
	Datum		values[] = {Int64GetDatum(account->customer), CStringGetTextDatum(account->programme->name)};

	run(NOTE_ARREARS_LOCK, 2, types, values, NULL);
	SPI_finish();
}

const char *
crm_store_obstacle(int64 customer, const char *programme, const char *kind, int64 amount, int32 business_date)
{
	const Oid	types[] = {crm_points_types()->code, TEXTOID, TEXTOID, INT8OID, DATEOID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(programme), CStringGetTextDatum(kind), Int64GetDatum(amount), DateADTGetDatum(business_date)};
	const char *reason = run(READ_OBSTACLE, 5, types, values, NULL) ? text_column(1) : NULL;

	SPI_finish();
	return reason;
}
