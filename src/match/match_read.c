/*
 * match_read.c: what a run works on: records of the source, their ids, and the pairs
 * that people judged.
 *
 * A record is a number from here on, in the order in which the source gave it; its id
 * is kept beside the engine, which knows none.
 */
#include "match_run.h"
#include "match_inside_core.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* -- records ----------------------------------------------------------------------------- */

void *
crm_match_run_grown(CrmMatchRun *run, void *old, size_t *room, size_t needed, size_t size)
{
	if (needed <= *room)
		return old;
	*room = Max(needed, 2 * *room);
	return old == NULL ? MemoryContextAllocHuge(run->context, *room * size) : repalloc_huge(old, *room * size);
}

static void
keep_id(CrmMatchRun *run, const char *id, size_t length)
{
	size_t		record = run->ids++;
	uint64		start = record == 0 ? 0 : run->id_start[record];

	run->id_bytes = crm_match_run_grown(run, run->id_bytes, &run->id_room, start + length + 4096, 1);
	run->id_start = crm_match_run_grown(run, run->id_start, &run->id_start_room, record + 2, sizeof(uint64));
	run->id_start[record] = start;
	run->id_start[record + 1] = start + length;
	memcpy(run->id_bytes + start, id, length);
}

static bool
take_row(void *context, const char *id, size_t id_length, const CrmMatchText *column)
{
	CrmMatchRun		   *run = context;
	uint64		hash = hash_bytes_extended((const unsigned char *) id, (int) id_length, run->source);

	for (int i = 0; i < run->model->plan->settings.column_count; i++)
		hash = hash * UINT64CONST(0x9e3779b97f4a7c15) +
			(column[i].text == NULL ? 1 : hash_bytes_extended((const unsigned char *) column[i].text, (int) column[i].length, i));
	run->fingerprint = run->fingerprint * UINT64CONST(0x9e3779b97f4a7c15) + hash;
	keep_id(run, id, id_length);
	if (!run->only_looks && crm_match_add_record(run->engine, run->source, column, &run->fault) != CRM_MATCH_OK)
		crm_match_fault_raise(&run->fault);
	if (crm_match_run_canceled(run))
		CHECK_FOR_INTERRUPTS();
	return true;
}

void
crm_match_run_read(CrmMatchRun *run)
{
	const CrmMatchStored *model = run->model;

	run->ids = 0;
	run->fingerprint = 0;
	run->source = 0;
	crm_match_source_read(model->source_oid, model->plan, "", take_row, run);
	run->first_source = run->ids;
	run->source = 1;
	if (OidIsValid(model->second_oid))
		crm_match_source_read(model->second_oid, model->plan, "", take_row, run);
	/* A long table left time for more than one commit elsewhere, none here. */
	crm_match_run_commit(run);
}

const char *
crm_match_run_id(const CrmMatchRun *run, uint32 record, size_t *length)
{
	*length = run->id_start[record + 1] - run->id_start[record];
	return run->id_bytes + run->id_start[record];
}

/* -- ids: sorted by hash; equal ones are refused ----------------------------------------------- */

int
crm_match_by_hash(const void *a, const void *b)
{
	const CrmMatchEntry *x = a;
	const CrmMatchEntry *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

uint64
crm_match_id_hash(const char *id, size_t length)
{
	return hash_bytes_extended((const unsigned char *) id, (int) length, 0);
}

static void
refuse_equal_ids(const CrmMatchRun *run, const CrmMatchEntry *sorted, uint32 records)
{
	for (uint32 i = 1; i < records; i++)
	{
		size_t		a_length;
		size_t		b_length;
		const char *a = crm_match_run_id(run, sorted[i - 1].record, &a_length);
		const char *b = crm_match_run_id(run, sorted[i].record, &b_length);

		if (sorted[i].hash == sorted[i - 1].hash && a_length == b_length && memcmp(a, b, a_length) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("two records of matching model \"%s\" have the same id", run->model->name),
					 errdetail("Id: %s.", pnstrdup(a, Min(a_length, 100))),
					 errhint("Name unique columns in unique_id_column_name; where two sources are linked their ids must differ too.")));
	}
}

CrmMatchEntry *
crm_match_run_sort_ids(const CrmMatchRun *run)
{
	uint32		records = crm_match_records(run->engine);
	CrmMatchEntry	   *sorted = MemoryContextAllocHuge(run->context, sizeof(CrmMatchEntry) * (size_t) Max(records, 1));

	for (uint32 i = 0; i < records; i++)
	{
		size_t		length;
		const char *id = crm_match_run_id(run, i, &length);

		sorted[i].hash = crm_match_id_hash(id, length);
		sorted[i].record = i;
	}
	qsort(sorted, records, sizeof(CrmMatchEntry), crm_match_by_hash);
	refuse_equal_ids(run, sorted, records);
	return sorted;
}

/* -- labels of persons -------------------------------------------------------------------------- */

bool
crm_match_run_find(const CrmMatchRun *run, const CrmMatchEntry *sorted, const char *id, uint32 *record)
{
	size_t		length = strlen(id);
	CrmMatchEntry		wanted = {crm_match_id_hash(id, length), 0};
	uint32		from = 0;
	uint32		to = crm_match_records(run->engine);

	while (from < to)
	{
		uint32		middle = from + (to - from) / 2;

		if (sorted[middle].hash < wanted.hash)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < crm_match_records(run->engine) && sorted[from].hash == wanted.hash; from++)
	{
		size_t		found_length;
		const char *found = crm_match_run_id(run, sorted[from].record, &found_length);

		if (found_length == length && memcmp(found, id, length) == 0)
		{
			*record = sorted[from].record;
			return true;
		}
	}
	return false;
}

/* Pairs that people judged, as records; those whose records are gone are passed over. */
CrmMatchLabel *
crm_match_run_labels(CrmMatchRun *run, const CrmMatchEntry *sorted, size_t *count)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(run->model->model_id);
	CrmMatchLabel *label;

	crm_match_exec("SELECT id_l, id_r, verdict = 'same' FROM crm_data.match_label WHERE model_id = $1 ORDER BY id_l, id_r", 1, &type, &value, NULL);
	label = MemoryContextAllocHuge(run->context, sizeof(CrmMatchLabel) * (SPI_processed + 1));
	*count = 0;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		CrmMatchLabel *l = &label[*count];

		if (!crm_match_run_find(run, sorted, SPI_getvalue(row, SPI_tuptable->tupdesc, 1), &l->left) ||
			!crm_match_run_find(run, sorted, SPI_getvalue(row, SPI_tuptable->tupdesc, 2), &l->right))
			continue;
		l->same = DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));
		(*count)++;
	}
	return label;
}
