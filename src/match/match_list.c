/*
 * match_list.c: results: every record with its cluster, every pair.
 *
 * What a run wrote in pages comes first, then what was added since; clusters
 * that went into others since are followed.
 */
#include "match_room.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

struct CrmMatchList
{
	const CrmMatchStored *model;
	CrmMatchReader *reader;		/* NULL once the pages are through */
	const char *at;
	const char *end;
	int64		record;			/* next of the run */
	HTAB	   *went;			/* cluster -> the one it went into */
	HTAB	   *gone;
	SPITupleTable *added;
	uint64		added_count;
	uint64		added_at;
};

typedef struct Went
{
	int64		cluster;
	int64		into;
} Went;

static HTAB *
int8_table(const char *name, Size entry)
{
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = entry, .hcxt = CurrentMemoryContext};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static int64
int8_column(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

static void
select_for(const CrmMatchStored *model, const char *query)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(model->model_id);

	crm_match_exec(query, 1, &type, &value, NULL);
}

static void
read_changes(CrmMatchList *list)
{
	list->went = int8_table("crm match went", sizeof(Went));
	list->gone = int8_table("crm match gone", sizeof(int64));
	select_for(list->model, "SELECT cluster_id, went_into FROM crm_data.match_cluster WHERE model_id = $1 AND went_into IS NOT NULL");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		cluster = int8_column(i, 1);
		Went	   *went = hash_search(list->went, &cluster, HASH_ENTER, NULL);

		went->into = int8_column(i, 2);
	}
	select_for(list->model, "SELECT record FROM crm_data.match_gone WHERE model_id = $1");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		record = int8_column(i, 1);

		(void) hash_search(list->gone, &record, HASH_ENTER, NULL);
	}
	select_for(list->model, "SELECT record, cluster_id, id FROM crm_data.match_record WHERE model_id = $1 ORDER BY record");
	list->added = SPI_tuptable;
	list->added_count = SPI_processed;
}

/* Needs SPI connected. */
CrmMatchList *
crm_match_list(const CrmMatchStored *model)
{
	CrmMatchList *list = palloc0(sizeof(CrmMatchList));

	list->model = model;
	read_changes(list);
	list->reader = crm_match_reader(model->model_id, model->run, model->sealed);
	return list;
}

static int64
cluster_now(const CrmMatchList *list, int64 cluster)
{
	Went	   *went;

	while ((went = hash_search(list->went, &cluster, HASH_FIND, NULL)) != NULL)
		cluster = went->into;
	return cluster;
}

static bool
next_of_run(CrmMatchList *list, CrmMatchListed *listed)
{
	uint32		length;
	size_t		size;

	if (list->at >= list->end)
	{
		CHECK_FOR_INTERRUPTS();
		if (!crm_match_read_next(list->reader, CRM_MATCH_PAGE_IDENTITY, &list->at, &size))
			return false;
		list->end = list->at + size;
	}
	memcpy(&listed->cluster, list->at, sizeof(int64));
	memcpy(&length, list->at + sizeof(int64), sizeof(length));
	listed->id = list->at + sizeof(int64) + sizeof(length);
	listed->id_length = length;
	listed->record = list->record++;
	list->at = listed->id + length;
	return true;
}

static bool
next_added(CrmMatchList *list, CrmMatchListed *listed)
{
	HeapTuple	row;
	bool		isnull;
	text	   *id;

	if (list->added_at >= list->added_count)
		return false;
	row = list->added->vals[list->added_at++];
	listed->record = DatumGetInt64(SPI_getbinval(row, list->added->tupdesc, 1, &isnull));
	listed->cluster = DatumGetInt64(SPI_getbinval(row, list->added->tupdesc, 2, &isnull));
	id = DatumGetTextPP(SPI_getbinval(row, list->added->tupdesc, 3, &isnull));
	listed->id = VARDATA_ANY(id);
	listed->id_length = VARSIZE_ANY_EXHDR(id);
	return true;
}

bool
crm_match_list_next(CrmMatchList *list, CrmMatchListed *listed)
{
	do
	{
		if (list->reader != NULL && !next_of_run(list, listed))
		{
			crm_match_reader_end(list->reader);
			list->reader = NULL;
		}
		if (list->reader == NULL && !next_added(list, listed))
			return false;
	} while (hash_search(list->gone, &listed->record, HASH_FIND, NULL) != NULL);
	listed->cluster = cluster_now(list, listed->cluster);
	return true;
}

void
crm_match_list_end(CrmMatchList *list)
{
	if (list->reader != NULL)
		crm_match_reader_end(list->reader);
	hash_destroy(list->went);
	hash_destroy(list->gone);
	SPI_freetuptable(list->added);
	pfree(list);
}

/* -- match_clusters, match_pairs --------------------------------------------------------- */

static CrmMatchStored *
load_run(Datum name)
{
	CrmMatchStored *model = crm_match_model_load(TextDatumGetCString(name), false);

	crm_match_model_require_run(model);
	crm_match_model_secret(model);
	return model;
}

static Datum
id_text(const CrmMatchListed *listed)
{
	return PointerGetDatum(cstring_to_text_with_len(listed->id, (int) listed->id_length));
}

PG_FUNCTION_INFO_V1(crm_match_clusters_sql);
Datum
crm_match_clusters_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CrmMatchList *list;
	CrmMatchListed listed;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	list = crm_match_list(load_run(PG_GETARG_DATUM(0)));
	while (crm_match_list_next(list, &listed))
	{
		Datum		values[2] = {id_text(&listed), Int64GetDatum(listed.cluster)};
		bool		nulls[2] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
	}
	crm_match_list_end(list);
	SPI_finish();
	return (Datum) 0;
}

Datum
crm_match_vector_array(uint64 vector, int comparisons)
{
	Datum		levels[CRM_MATCH_COMPARISON_MAX];

	for (int i = 0; i < comparisons; i++)
		levels[i] = Int16GetDatum(crm_match_level(vector, i));
	return PointerGetDatum(construct_array(levels, comparisons, INT2OID, 2, true, TYPALIGN_SHORT));
}

/* Ids by record, for pairs that name records. */
typedef struct Ids
{
	Datum	   *id;				/* 0: gone */
	int64		count;
} Ids;

static Ids
all_ids(const CrmMatchStored *model)
{
	CrmMatchList *list = crm_match_list(model);
	CrmMatchListed listed;
	Ids			ids = {NULL, model->records + 1024};

	ids.id = palloc_extended(sizeof(Datum) * ids.count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	while (crm_match_list_next(list, &listed))
	{
		if (listed.record >= ids.count)
		{
			int64		before = ids.count;

			ids.count = 2 * listed.record + 2;
			ids.id = repalloc_huge(ids.id, sizeof(Datum) * ids.count);
			memset(ids.id + before, 0, sizeof(Datum) * (ids.count - before));
		}
		ids.id[listed.record] = id_text(&listed);
	}
	crm_match_list_end(list);
	return ids;
}

typedef struct PairOut
{
	ReturnSetInfo *result;
	const CrmMatchStored *model;
	Ids			ids;
	double		least;
	MemoryContext per_row;
} PairOut;

static void
put_pair(PairOut *out, int64 left, int64 right, double weight, uint64 vector)
{
	MemoryContext before;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (weight < out->least || out->ids.id[left] == 0 || out->ids.id[right] == 0)
		return;
	before = MemoryContextSwitchTo(out->per_row);
	values[0] = out->ids.id[left];
	values[1] = out->ids.id[right];
	values[2] = Float8GetDatum(weight);
	values[3] = Float8GetDatum(crm_match_probability(weight));
	values[4] = crm_match_vector_array(vector, out->model->plan->settings.comparison_count);
	tuplestore_putvalues(out->result->setResult, out->result->setDesc, values, nulls);
	MemoryContextSwitchTo(before);
	MemoryContextReset(out->per_row);
}

static void
put_run_pairs(PairOut *out)
{
	CrmMatchReader *reader = crm_match_reader(out->model->model_id, out->model->run, out->model->sealed);
	const char *body;
	size_t		length;

	while (crm_match_read_next(reader, CRM_MATCH_PAGE_PAIR, &body, &length))
	{
		CHECK_FOR_INTERRUPTS();
		for (size_t at = 0; at + sizeof(CrmMatchPairEntry) <= length; at += sizeof(CrmMatchPairEntry))
		{
			CrmMatchPairEntry pair;

			memcpy(&pair, body + at, sizeof(pair));
			put_pair(out, pair.left, pair.right, pair.weight, pair.vector);
		}
	}
	crm_match_reader_end(reader);
}

static void
put_added_pairs(PairOut *out)
{
	select_for(out->model, "SELECT record_l, record_r, weight, vector FROM crm_data.match_pair WHERE model_id = $1 ORDER BY record_r, record_l");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		double		weight = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull));

		put_pair(out, int8_column(i, 1), int8_column(i, 2), weight, (uint64) int8_column(i, 4));
	}
}

PG_FUNCTION_INFO_V1(crm_match_pairs_sql);
Datum
crm_match_pairs_sql(PG_FUNCTION_ARGS)
{
	PairOut		out = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	out.model = load_run(PG_GETARG_DATUM(0));
	out.least = PG_ARGISNULL(1) ? -1e300 : PG_GETARG_FLOAT8(1);
	out.ids = all_ids(out.model);
	out.per_row = AllocSetContextCreate(CurrentMemoryContext, "crm match pair", ALLOCSET_SMALL_SIZES);
	put_run_pairs(&out);
	put_added_pairs(&out);
	SPI_finish();
	return (Datum) 0;
}
