/*
 * match_saved.c: the statements of match_saved.h: their texts, and their plans.
 */
#include "match_saved.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"

static const struct
{
	const char *text;
	int			arguments;
	Oid			types[5];
}			statement[STATEMENTS] =
{
	[MODEL_VERSION] = {"SELECT version FROM crm_data.match_model WHERE name = $1", 1, {TEXTOID}},
	[KEYS_ADDED] = {"SELECT h, k.record FROM unnest($2) h, LATERAL (SELECT x.record FROM crm_data.match_key x WHERE x.model_id = $1 AND x.hash = h OFFSET 0) k",
	2, {INT4OID, INT8ARRAYOID}},
	[RECORDS_ADDED] = {"SELECT r.record, r.prepared, r.cluster_id, r.id FROM unnest($2) n, LATERAL (SELECT * FROM crm_data.match_record x WHERE x.model_id = $1 AND x.record = n OFFSET 0) r",
	2, {INT4OID, INT8ARRAYOID}},
	[ANY_GONE] = {"SELECT FROM crm_data.match_gone WHERE model_id = $1 LIMIT 1", 1, {INT4OID}},
	[GONE] = {"SELECT record FROM crm_data.match_gone WHERE model_id = $1 AND record = ANY ($2)", 2, {INT4OID, INT8ARRAYOID}},
	[ID_ADDED] = {"SELECT record FROM crm_data.match_record WHERE model_id = $1 AND id = $2", 2, {INT4OID, TEXTOID}},
	[WENT_INTO] = {"SELECT went_into FROM crm_data.match_cluster WHERE model_id = $1 AND cluster_id = $2", 2, {INT4OID, INT8OID}},
	[MEMBERS] = {"SELECT members FROM crm_data.match_cluster WHERE model_id = $1 AND cluster_id = $2", 2, {INT4OID, INT8OID}},
	[NEXT_RECORD] = {"UPDATE crm_data.match_counter SET next_record = next_record + 1 WHERE model_id = $1 RETURNING next_record - 1", 1, {INT4OID}},
	[NEXT_CLUSTER] = {"UPDATE crm_data.match_counter SET next_cluster = next_cluster + 1 WHERE model_id = $1 RETURNING next_cluster - 1", 1, {INT4OID}},
	[ADD_RECORD] = {"INSERT INTO crm_data.match_record (model_id, record, id, cluster_id, prepared) VALUES ($1, $2, $3, $4, $5)", 5, {INT4OID, INT8OID, TEXTOID, INT8OID, BYTEAOID}},
	[ADD_KEYS] = {"INSERT INTO crm_data.match_key (model_id, hash, record) SELECT DISTINCT $1, h, $3 FROM unnest($2) h", 3, {INT4OID, INT8ARRAYOID, INT8OID}},
	[ADD_PAIRS] = {"INSERT INTO crm_data.match_pair (model_id, record_r, record_l, weight, vector) SELECT $1, $2, l, w, v FROM unnest($3, $4, $5) u (l, w, v)",
	5, {INT4OID, INT8OID, INT8ARRAYOID, FLOAT8ARRAYOID, INT8ARRAYOID}},
	[SET_CLUSTER] = {"INSERT INTO crm_data.match_cluster (model_id, cluster_id, went_into, members) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (model_id, cluster_id) DO UPDATE SET went_into = excluded.went_into, members = excluded.members",
	4, {INT4OID, INT8OID, INT8OID, INT8ARRAYOID}},
	[ADD_GONE] = {"INSERT INTO crm_data.match_gone (model_id, record) VALUES ($1, $2)", 2, {INT4OID, INT8OID}},
	[DROP_KEYS] = {"DELETE FROM crm_data.match_key WHERE model_id = $1 AND record = $2", 2, {INT4OID, INT8OID}},
	[DROP_RECORD] = {"DELETE FROM crm_data.match_record WHERE model_id = $1 AND record = $2", 2, {INT4OID, INT8OID}},
	[DROP_PAIRS] = {"DELETE FROM crm_data.match_pair WHERE model_id = $1 AND (record_r = $2 OR record_l = $2)", 2, {INT4OID, INT8OID}},
	[MOVE_RECORD] = {"UPDATE crm_data.match_record SET cluster_id = $3 WHERE model_id = $1 AND record = $2", 3, {INT4OID, INT8OID, INT8OID}},
	[ANY_JUDGED] = {"SELECT FROM crm_data.match_label WHERE model_id = $1 LIMIT 1", 1, {INT4OID}},
	[JUDGED_OF] = {"SELECT id_r, verdict = 'same' FROM crm_data.match_label WHERE model_id = $1 AND id_l = $2"
		" UNION ALL SELECT id_l, verdict = 'same' FROM crm_data.match_label WHERE model_id = $1 AND id_r = $2", 2, {INT4OID, TEXTOID}},
	[JUDGED_AMONG] = {"SELECT array_position($2, id_l) - 1, array_position($2, id_r) - 1, verdict = 'same' FROM crm_data.match_label"
		" WHERE model_id = $1 AND id_l = ANY ($2) AND id_r = ANY ($2) ORDER BY id_l, id_r", 2, {INT4OID, TEXTARRAYOID}},
	[PARTED] = {"SELECT FROM crm_data.match_label WHERE model_id = $1 AND verdict <> 'same' AND id_l = ANY ($2) AND id_r = ANY ($3)"
		" UNION ALL SELECT FROM crm_data.match_label WHERE model_id = $1 AND verdict <> 'same' AND id_l = ANY ($3) AND id_r = ANY ($2) LIMIT 1",
	3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}},
};

static SPIPlanPtr plans[STATEMENTS];

/* As crm_owner; the rows are in SPI_tuptable. */
uint64
crm_match_saved(Statement which, Datum *values, const char *nulls)
{
	if (plans[which] == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement[which].text, statement[which].arguments, (Oid *) statement[which].types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "crm: match statement %d", which);
		plans[which] = plan;
	}
	if (SPI_execute_plan(plans[which], values, nulls, false, 0) < 0)
		elog(ERROR, "crm: match statement %d failed", which);
	return SPI_processed;
}

int64
crm_match_saved_number(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

Datum
crm_match_int8_array(const int64 *values, int count)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(construct_array(elements, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
