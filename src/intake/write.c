/*
 * write.c: judged records into the customer's tables, one batch.
 *
 * The statements stand here, in the order in which one table's rows refer to
 * another's; bulk.c decides how each is carried out.
 */
#include "crm.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "intake/bulk.h"

static const char judge_query[] =
"SELECT (j.checked).*, j.verdict, j.input, j.awaits FROM crm.intake_judge($1, $2) j";

/*
 * One block of codes for all, taken after everything has been judged and
 * encrypted: its counter stays locked until the transaction ends, which is what
 * keeps the codes free of gaps.
 */
static const char code_query[] =
"WITH good AS MATERIALIZED ("
"    SELECT j.*, row_number() OVER () AS n FROM judged j WHERE j.verdict IS NULL"
"), block AS MATERIALIZED ("
"    SELECT array_agg(c ORDER BY c) AS codes"
"      FROM (SELECT count(*)::int AS good FROM good) total, crm.next_customer_codes(total.good, $1, $2) c"
"     WHERE total.good > 0)"
"SELECT g.*, (SELECT b.codes FROM block b)[g.n] AS code, $1 AS day, $3 AS channel FROM good g";

/* Retired codes are refused by a trigger; it must run when one is among these. */
static const char retired_query[] =
"SELECT FROM crm_data.customer_code_alias a"
" WHERE a.customer_code BETWEEN (SELECT min(code) FROM coded) AND (SELECT max(code) FROM coded) LIMIT 1";

static const CrmBulkTarget targets[] = {
	{"customer", "customer_code, kind, survivor_code, channel",
	"SELECT code, kind, code, channel FROM coded"},
	{"individual", "customer_code, name, sex, birth_date, occupation",
	"SELECT code, person_name, sex, birth_date, occupation FROM coded WHERE kind = 'individual'"},
	{"organization", "customer_code, name, uscc, industry, legal_representative, contact_name",
		"SELECT code, organization_name, uscc::crm.unified_social_credit_code, industry, legal_representative, contact_name"
	"  FROM coded WHERE kind = 'organization'"},
	{"customer_group", "customer_code, name, industry, contact_name",
	"SELECT code, organization_name, industry, contact_name FROM coded WHERE kind = 'group'"},
	{"identity_document", "customer_code, document_no, kind, number",
	"SELECT code, 1::smallint, document_kind, document_number FROM coded WHERE document_number IS NOT NULL"},
	{"document_claim", "number_token, kind, customer_code",
	"SELECT crm.token(document_number), document_kind, code FROM coded WHERE document_number IS NOT NULL"},
	{"contact_point", "customer_code, contact_no, phone, email, is_preferred",
		"SELECT code, 1::smallint, phone, NULL::crm.email, true FROM coded WHERE phone IS NOT NULL"
		" UNION ALL "
		"SELECT code, CASE WHEN phone IS NULL THEN 1 ELSE 2 END::smallint, NULL, email, phone IS NULL"
	"  FROM coded WHERE email IS NOT NULL"},
	{"bank_account", "customer_code, account_no, card",
	"SELECT code, 1::smallint, bank_card FROM coded WHERE bank_card IS NOT NULL"},
	{"address", "customer_code, address_no, division, detail, valid_during",
		"SELECT code, 1::smallint, division, address, daterange(day, NULL)"
	"  FROM coded WHERE address IS NOT NULL"},
	{"external_id_claim", "system, value, customer_code",
	"SELECT external_system, external_id, code FROM coded WHERE external_id IS NOT NULL"},
	{"external_id", "customer_code, system, value",
	"SELECT code, external_system, external_id FROM coded WHERE external_id IS NOT NULL"}
};

/* Tables whose rows the others refer to, written first. */
static const char *const parents[] = {"customer", "external_id_claim", NULL};

static const char answer_query[] =
"SELECT line, code, NULL::text[], NULL::crm.customer_input FROM coded"
" UNION ALL "
"SELECT line, NULL, verdict, input FROM judged WHERE verdict IS NOT NULL AND NOT awaits";

/*
 * Who is refused for another of these records only is judged again when that one
 * has its answer: the outcome must not depend on how many records come at once.
 */
static const char waiting_query[] =
"SELECT array_agg(input ORDER BY line), count(*) FROM judged WHERE awaits HAVING count(*) > 0";

/* Prepared once a session, for the types of the extension that is installed. */
static Oid	prepared_for;
static SPIPlanPtr judge_plan,
			code_plan,
			retired_plan,
			answer_plan,
			waiting_plan,
			query_plans[lengthof(targets)],
			insert_plans[lengthof(targets)];

static void
into_tuplestore(SPIPlanPtr plan, ParamListInfo params, Tuplestorestate *store, MemoryContext context)
{
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	SPIExecuteOptions options = {.dest = receiver, .params = params};

	SetTuplestoreDestReceiverParams(receiver, store, context, false, NULL, NULL);
	if (SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "could not execute: %s", SPI_result_code_string(SPI_result));
	receiver->rDestroy(receiver);
}

/* Run the query and let the following ones read its rows under this name. */
static void
name_result(const char *name, SPIPlanPtr plan, ParamListInfo params)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);

	into_tuplestore(plan, params, store, CurrentMemoryContext);
	relation->md.name = pstrdup(name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = CreateTupleDescCopy(source->resultDesc);
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = tuplestore_tuple_count(store);
	relation->reldata = store;
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not name the result \"%s\"", name);
}

static ParamListInfo
parameters(int count, const Oid *types, const Datum *values)
{
	ParamListInfo params = makeParamList(count);

	for (int i = 0; i < count; i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	return params;
}

static void
write_all(void)
{
	bool		retired;

	if (SPI_execute_plan(crm_bulk_prepare(&retired_plan, retired_query, 0, NULL), NULL, NULL, true, 1) < 0)
		elog(ERROR, "could not look for retired codes");
	retired = SPI_processed > 0;
	for (int i = 0; i < (int) lengthof(targets); i++)
		crm_bulk_insert(&targets[i], parents, retired ? NULL : "code_is_not_retired",
						&query_plans[i], &insert_plans[i]);
}

/*
 * One pass over records; answers go to the result.  Gives the records that must
 * be judged again, in this function's memory, or null.
 */
static Datum
one_pass(Datum records, Oid records_type, FunctionCallInfo fcinfo, int64 *waiting)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			judge_types[] = {records_type, BOOLOID};
	Datum		judge_values[] = {records, PG_GETARG_DATUM(4)};
	Oid			code_types[] = {DATEOID, TEXTOID, TEXTOID};
	Datum		code_values[] = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	bool		isnull;

	name_result("judged", crm_bulk_prepare(&judge_plan, judge_query, 2, judge_types),
				parameters(2, judge_types, judge_values));
	name_result("coded", crm_bulk_prepare(&code_plan, code_query, 3, code_types),
				parameters(3, code_types, code_values));
	write_all();
	into_tuplestore(crm_bulk_prepare(&answer_plan, answer_query, 0, NULL), NULL, result->setResult,
					result->econtext->ecxt_per_query_memory);
	if (SPI_execute_plan(crm_bulk_prepare(&waiting_plan, waiting_query, 0, NULL), NULL, NULL, true, 1) < 0)
		elog(ERROR, "could not look for waiting records");
	*waiting = 0;
	if (SPI_processed > 0)
	{
		*waiting = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
		records = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	}
	SPI_unregister_relation("coded");
	SPI_unregister_relation("judged");
	return records;
}

static void
forget(SPIPlanPtr *plans, int count)
{
	for (int i = 0; i < count; i++)
		if (plans[i] != NULL)
		{
			SPI_freeplan(plans[i]);
			plans[i] = NULL;
		}
}

/* Who drops the extension and makes it again in one session has other types now. */
static void
forget_plans_of_others(Oid records_type)
{
	if (prepared_for == records_type)
		return;
	forget(&judge_plan, 1);
	forget(&code_plan, 1);
	forget(&retired_plan, 1);
	forget(&answer_plan, 1);
	forget(&waiting_plan, 1);
	forget(query_plans, lengthof(query_plans));
	forget(insert_plans, lengthof(insert_plans));
	prepared_for = records_type;
}

/* crm.intake_accept(records, day, scheme, channel, accept_suspected) */
PG_FUNCTION_INFO_V1(crm_intake_accept);
Datum
crm_intake_accept(PG_FUNCTION_ARGS)
{
	Datum		records = PG_GETARG_DATUM(0);
	Oid			records_type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	int64		waiting;
	int64		before = 0;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	forget_plans_of_others(records_type);
	/* Each pass settles at least the first of those who wait, so it ends. */
	for (records = one_pass(records, records_type, fcinfo, &waiting); waiting > 0;
		 records = one_pass(records, records_type, fcinfo, &waiting))
	{
		if (waiting == before)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("records of one call need different lines"),
					 errhint("Number the records in the field line.")));
		before = waiting;
	}
	SPI_finish();
	return (Datum) 0;
}
