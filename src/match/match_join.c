/*
 * match_join.c: a record is added and joins a cluster, or is taken out.
 *
 * Which cluster it joins follows from its candidates and from what people said of it;
 * clusters that it holds together become one.
 */
#include "match_join.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* Cross pairs of two clusters that are scored before they may merge. */
#define MERGE_PAIRS 2500

/* -- clusters ------------------------------------------------------------------------------------------ */

/* Records of a cluster; one that stands in no list is a single record, which the caller knows. */
static Members
members_of(CrmMatchFind *find, int64 cluster, int64 single)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), Int64GetDatum(cluster)};
	Members		m = {NULL, 0};
	const char *records;
	uint32		count;
	bool		isnull;

	if (crm_match_saved(MEMBERS, values, NULL) > 0)
	{
		ArrayType  *array = DatumGetArrayTypePCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));

		m.count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
		m.record = (int64 *) ARR_DATA_PTR(array);
		return m;
	}
	if (!crm_match_find_block(find->keys, CRM_MATCH_PAGE_CLUSTER, (uint64) cluster, &records, &count))
	{
		m.record = palloc(sizeof(int64));
		m.record[0] = single;
		m.count = 1;
		return m;
	}
	m.record = palloc(sizeof(int64) * count);
	for (uint32 i = 0; i < count; i++)
	{
		uint32		number;

		memcpy(&number, records + i * sizeof(number), sizeof(number));
		m.record[m.count++] = number;
	}
	return m;
}

void
crm_match_set_cluster(CrmMatchFind *find, int64 cluster, int64 into, const int64 *record, int count)
{
	Datum		values[4] = {Int32GetDatum(find->model->model_id), Int64GetDatum(cluster), Int64GetDatum(into), crm_match_int8_array(record, count)};

	(void) crm_match_saved(SET_CLUSTER, values, into == 0 ? "  n " : NULL);
}

static uint64
cluster_size(void *context, uint64_t cluster)
{
	return members_of(context, (int64) cluster, 0).count;
}

/* -- judgements of people bind here as they bind a run ---------------------------------------------------- */

/* What was said of the new record and one that is known. */
typedef struct Judged
{
	int64		record;
	int64		cluster;
	bool		same;
} Judged;

typedef struct JudgedList
{
	Judged	   *judged;
	int			count;
} JudgedList;

bool
crm_match_any_judged(CrmMatchFind *find)
{
	Datum		value = Int32GetDatum(find->model->model_id);

	return crm_match_saved(ANY_JUDGED, &value, NULL) > 0;
}

static JudgedList
judged_of(CrmMatchFind *find, const char *id)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), CStringGetTextDatum(id)};
	JudgedList	list = {NULL, 0};
	SPITupleTable *rows;
	uint64		count;

	if (!crm_match_any_judged(find))
		return list;
	count = crm_match_saved(JUDGED_OF, values, NULL);
	rows = SPI_tuptable;
	list.judged = palloc(sizeof(Judged) * Max(count, 1));
	for (uint64 i = 0; i < count; i++)
	{
		Judged	   *judged = &list.judged[list.count];
		bool		isnull;

		judged->record = crm_match_find_record(find, SPI_getvalue(rows->vals[i], rows->tupdesc, 1));
		if (judged->record < 0)
			continue;
		judged->same = DatumGetBool(SPI_getbinval(rows->vals[i], rows->tupdesc, 2, &isnull));
		(void) crm_match_find_identity(find, judged->record, &judged->cluster);
		list.count++;
	}
	return list;
}

static Datum
ids_of(CrmMatchFind *find, const Members *members)
{
	Datum	   *id = palloc(sizeof(Datum) * Max(members->count, 1));
	int64		cluster;

	for (int i = 0; i < members->count; i++)
		id[i] = PointerGetDatum(crm_match_find_identity(find, members->record[i], &cluster));
	return PointerGetDatum(construct_array(id, members->count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Whether somebody said of a record here and one there that they are not the same. */
static bool
parted(CrmMatchFind *find, const Members *here, const Members *there)
{
	Datum		values[3] = {Int32GetDatum(find->model->model_id)};

	if (!crm_match_any_judged(find))
		return false;
	values[1] = ids_of(find, here);
	values[2] = ids_of(find, there);
	return crm_match_saved(PARTED, values, NULL) > 0;
}

static int64
choose_cluster(CrmMatchFind *find, const JudgedList *list)
{
	CrmMatchEdge *edge = palloc(sizeof(CrmMatchEdge) * (find->count + (size_t) list->count + 1));
	size_t		edges = 0;

	for (size_t i = 0; i < find->count; i++)
		edge[edges++] = (CrmMatchEdge) {(uint64) find->candidate[i].cluster, find->candidate[i].score.weight, find->candidate[i].score.conflict};
	for (int i = 0; i < list->count; i++)
		if (!list->judged[i].same)
			edge[edges++] = (CrmMatchEdge) {(uint64) list->judged[i].cluster, 0, true};
	return edges == 0 ? 0 : (int64) crm_match_join(&find->model->fit, edge, edges, cluster_size, find);
}

/* -- merging of two clusters that the new record holds together ---------------------------------------- */

static bool
share_a_key(const CrmMatchStored *model, const unsigned char *a, const unsigned char *b)
{
	CrmMatchRecordKey ours[CRM_MATCH_RECORD_KEY_MAX];
	CrmMatchRecordKey theirs[CRM_MATCH_RECORD_KEY_MAX];
	int			our_count = crm_match_keys(&model->plan->settings, a, ours, CRM_MATCH_RECORD_KEY_MAX);
	int			their_count = crm_match_keys(&model->plan->settings, b, theirs, CRM_MATCH_RECORD_KEY_MAX);

	for (int i = 0; i < our_count; i++)
		for (int j = 0; j < their_count; j++)
			if (ours[i].hash == theirs[j].hash)
				return true;
	return false;
}

/* What a pair weighs between clusters; a conflict forbids the merge. */
static double
cross_weight(CrmMatchFind *find, int64 left, int64 right, bool *conflict)
{
	size_t		length;
	unsigned char *a = crm_match_find_prepared(find, left, &length);
	unsigned char *b = crm_match_find_prepared(find, right, &length);
	CrmMatchScore score;
	double		weight = find->model->fit.absent;

	if (a != NULL && b != NULL && share_a_key(find->model, a, b))
	{
		crm_match_find_score(find, a, b, &score);
		*conflict |= score.conflict;
		if (score.weight >= find->model->plan->settings.keep_weight)
			weight = score.weight;
	}
	if (a != NULL)
		pfree(a);
	if (b != NULL)
		pfree(b);
	return weight;
}

static bool
belong_together(CrmMatchFind *find, const Members *a, const Members *b)
{
	double		sum = 0;
	bool		conflict = false;

	if ((int64) a->count * b->count > MERGE_PAIRS)
		return false;
	for (int i = 0; i < a->count; i++)
		for (int j = 0; j < b->count && !conflict; j++)
			sum += cross_weight(find, a->record[i], b->record[j], &conflict);
	return !conflict && sum / ((double) a->count * b->count) >= find->model->fit.threshold;
}

static Members
joined(const Members *a, const Members *b)
{
	Members		both = {palloc(sizeof(int64) * (a->count + b->count)), a->count + b->count};

	memcpy(both.record, a->record, sizeof(int64) * a->count);
	memcpy(both.record + a->count, b->record, sizeof(int64) * b->count);
	return both;
}

/* The older number stays. */
static int64
merge_clusters(CrmMatchFind *find, int64 mine, Members *members)
{
	for (size_t i = 0; i < find->count; i++)
	{
		const CrmMatchCandidate *candidate = &find->candidate[i];
		int64		other = crm_match_cluster_now(find, candidate->cluster);
		Members		theirs;

		if (other == mine || candidate->score.conflict || candidate->score.weight < find->model->fit.threshold)
			continue;
		theirs = members_of(find, other, candidate->record);
		if (!belong_together(find, members, &theirs) || parted(find, members, &theirs))
			continue;
		*members = joined(members, &theirs);
		crm_match_set_cluster(find, Max(mine, other), Min(mine, other), NULL, 0);
		mine = Min(mine, other);
		crm_match_set_cluster(find, mine, 0, members->record, members->count);
	}
	return mine;
}

/* -- adding ---------------------------------------------------------------------------------------------- */

int64
crm_match_next_number(CrmMatchFind *find, Statement which)
{
	Datum		value = Int32GetDatum(find->model->model_id);

	if (crm_match_saved(which, &value, NULL) == 0)
		elog(ERROR, "crm: model %d has no counter", find->model->model_id);
	return crm_match_saved_number(0, 1);
}

/* Whoever added before us has committed by now: look again. */
static void
look_anew(CrmMatchFind *find)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	find->pushed = true;
}

void
crm_match_store_pairs(CrmMatchFind *find, int64 record)
{
	Datum	   *left = palloc(sizeof(Datum) * Max(find->count, 1));
	Datum	   *weight = palloc(sizeof(Datum) * Max(find->count, 1));
	Datum	   *vector = palloc(sizeof(Datum) * Max(find->count, 1));
	Datum		values[5] = {Int32GetDatum(find->model->model_id), Int64GetDatum(record)};

	if (find->count == 0)
		return;
	for (size_t i = 0; i < find->count; i++)
	{
		left[i] = Int64GetDatum(find->candidate[i].record);
		weight[i] = Float8GetDatum(find->candidate[i].score.weight);
		vector[i] = Int64GetDatum((int64) find->candidate[i].score.vector);
	}
	values[2] = PointerGetDatum(construct_array(left, (int) find->count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(weight, (int) find->count, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[4] = PointerGetDatum(construct_array(vector, (int) find->count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	(void) crm_match_saved(ADD_PAIRS, values, NULL);
}

void
crm_match_store_record(CrmMatchFind *find, int64 record, const char *id, int64 cluster)
{
	Datum		values[5] = {Int32GetDatum(find->model->model_id), Int64GetDatum(record), CStringGetTextDatum(id), Int64GetDatum(cluster),
	PointerGetDatum(crm_match_seal_bytes(find->model->sealed, (const char *) find->prepared, find->prepared_length))};
	Datum		keys[3] = {values[0], crm_match_int8_array(find->key, find->key_count), values[1]};

	(void) crm_match_saved(ADD_RECORD, values, NULL);
	(void) crm_match_saved(ADD_KEYS, keys, NULL);
}

static void
refuse_known(const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("a record of this id is in the matching model"),
			 errdetail("Id: %s.", id),
			 errhint("Take it out with crm.match_remove() first.")));
}

/* -- judgements that hold together -------------------------------------------------------------------- */

/* Two clusters become one, under the older number; who belongs elsewhere then leaves. */
static int64
unite_clusters(CrmMatchFind *find, int64 mine, int64 record, const Judged *judged)
{
	int64		other = crm_match_cluster_now(find, judged->cluster);
	int64		older = Min(mine, other);
	Members		ours = members_of(find, mine, record);
	Members		theirs = members_of(find, other, judged->record);
	Members		both = joined(&ours, &theirs);

	if (mine == other || (both.count > RECLUSTER_MOST && parted(find, &ours, &theirs)))
		return mine;
	crm_match_set_cluster(find, Max(mine, other), older, NULL, 0);
	return crm_match_recluster(find, &both, older, record);
}

static int64
obey_judged(CrmMatchFind *find, const JudgedList *list, int64 record, int64 cluster)
{
	for (int i = 0; i < list->count; i++)
		if (list->judged[i].same)
			cluster = unite_clusters(find, cluster, record, &list->judged[i]);
	return cluster;
}

/* -- in and out --------------------------------------------------------------------------------------- */

/* Into a cluster, with the clusters that it holds together there. */
static int64
enter_cluster(CrmMatchFind *find, int64 record, int64 cluster)
{
	for (size_t i = 0; i < find->count; i++)
		if (find->candidate[i].cluster == cluster)
		{
			Members		self = {&record, 1};
			Members		members = members_of(find, cluster, find->candidate[i].record);

			members = joined(&members, &self);
			crm_match_set_cluster(find, cluster, 0, members.record, members.count);
			return merge_clusters(find, cluster, &members);
		}
	return cluster;
}

/* Add find->prepared under an id; the cluster that it came to. */
int64
crm_match_find_add(CrmMatchFind *find, const char *id)
{
	int64		record = crm_match_next_number(find, NEXT_RECORD);
	int64		cluster;
	JudgedList	list;
	bool		joins;

	look_anew(find);
	if (crm_match_find_record(find, id) >= 0)
		refuse_known(id);
	crm_match_find_candidates(find);
	crm_match_find_identities(find, 0, find->count);
	list = judged_of(find, id);
	cluster = choose_cluster(find, &list);
	joins = cluster != 0;
	if (!joins)
		cluster = crm_match_next_number(find, NEXT_CLUSTER);
	crm_match_store_record(find, record, id, cluster);
	crm_match_store_pairs(find, record);
	if (joins)
		cluster = enter_cluster(find, record, cluster);
	return obey_judged(find, &list, record, cluster);
}

/* Take a record out: its pairs go, and its cluster falls apart where it alone held it together. */
void
crm_match_find_remove(CrmMatchFind *find, int64 record)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), Int64GetDatum(record)};
	int64		cluster;
	Members		members;
	int			left = 0;

	(void) crm_match_find_identity(find, record, &cluster);
	members = members_of(find, cluster, record);
	for (int i = 0; i < members.count; i++)
		if (members.record[i] != record)
			members.record[left++] = members.record[i];
	if (members.count > 1)
		crm_match_set_cluster(find, cluster, 0, members.record, left);
	if (record < find->model->records)
		(void) crm_match_saved(ADD_GONE, values, NULL);
	else
	{
		(void) crm_match_saved(DROP_KEYS, values, NULL);
		(void) crm_match_saved(DROP_RECORD, values, NULL);
	}
	(void) crm_match_saved(DROP_PAIRS, values, NULL);
	members.count = left;
	if (left > 1)
		(void) crm_match_recluster(find, &members, cluster, -1);
}
