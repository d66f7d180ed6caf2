/*
 * match_write.c: what a run found, written: its pages, its report, and the model's row.
 *
 * Pages of records, ids and keys come with the index, those of pairs part by part, and
 * the result at the end: terms, and clusters under names that last from run to run,
 * after what people said of pairs.
 */
#include "match_run.h"
#include "match_inside_core.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define KEY_TASK	8192		/* records whose keys a worker makes at a time */

/* -- writing what was found ------------------------------------------------------------------------ */

static void
put(StringInfo entry, const void *bytes, size_t length)
{
	appendBinaryStringInfoNT(entry, bytes, (int) length);
}

void
crm_match_write_records(const CrmMatchRun *run, int64 number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_RECORD, run->model->sealed);
	StringInfoData entry;

	initStringInfo(&entry);
	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
	{
		size_t		length;
		const unsigned char *prepared = crm_match_record(run->engine, i, &length);
		uint32		short_length = (uint32) length;

		resetStringInfo(&entry);
		put(&entry, &short_length, sizeof(short_length));
		put(&entry, prepared, length);
		crm_match_write(writer, i, entry.data, entry.len);
	}
	crm_match_writer_end(writer);
}

void
crm_match_write_ids(const CrmMatchRun *run, int64 number, const CrmMatchEntry *sorted)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_ID, false);

	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
		crm_match_write(writer, sorted[i].hash, &sorted[i], sizeof(uint64) + sizeof(uint32));
	crm_match_writer_end(writer);
}

/* The rule stands in front, so that rules can be written one after the other. */
uint64
crm_match_stored_key(const CrmMatchStored *model, int rule, uint64 hash)
{
	return (uint64) rule << 58 | (model->sealed ? crm_match_keyed(model->secret, hash) : hash) >> 6;
}

/* Of a block beyond every cap only its size is kept. */
static void
write_blocks(CrmMatchWriter *writer, const CrmMatchEntry *entry, size_t count)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	for (size_t from = 0, to; from < count; from = to)
	{
		uint32		members;

		for (to = from + 1; to < count && entry[to].hash == entry[from].hash; to++)
			;
		members = (uint32) (to - from);
		resetStringInfo(&bytes);
		put(&bytes, &entry[from].hash, sizeof(uint64));
		put(&bytes, &members, sizeof(members));
		for (size_t i = from; i < to && members <= CRM_MATCH_BLOCK_KEPT; i++)
			put(&bytes, &entry[i].record, sizeof(uint32));
		crm_match_write(writer, entry[from].hash, bytes.data, bytes.len);
	}
	pfree(bytes.data);
}

static bool
bag_room(CrmMatchRun *run, size_t task, size_t room)
{
	CrmMatchBag *bag = &run->bag[task];
	CrmMatchEntry *entry = crm_match_take_more(run->engine, bag->entry, bag->room, room, sizeof(*entry));

	if (entry == NULL)
		return false;
	bag->entry = entry;
	bag->room = room;
	return true;
}

/* Keys of some records under all rules, sorted, by a worker of the engine. */
static bool
keys_task(void *state, int thread, size_t task)
{
	CrmMatchRun *run = state;
	CrmMatchBag *bag = &run->bag[task];
	size_t		from = task * KEY_TASK;
	size_t		to = Min(from + KEY_TASK, crm_match_records(run->engine));
	CrmMatchRecordKey key[CRM_MATCH_RECORD_KEY_MAX];
	CrmMatchEntry *other;

	if (!bag_room(run, task, 8 * (to - from) + 1))
		return false;
	for (size_t i = from; i < to; i++)
	{
		size_t		length;
		int			keys = crm_match_keys(&run->model->plan->settings, crm_match_record(run->engine, i, &length), key, CRM_MATCH_RECORD_KEY_MAX);

		if (bag->count + keys > bag->room && !bag_room(run, task, bag->room + bag->room / 2 + keys))
			return false;
		for (int k = 0; k < keys; k++)
			bag->entry[bag->count++] = (CrmMatchEntry) {crm_match_stored_key(run->model, key[k].rule, key[k].hash), (uint32) i};
	}
	other = crm_match_take(run->engine, bag->count + 1, sizeof(*other));
	if (other == NULL)
		return false;
	crm_match_sort(bag->entry, other, bag->count);
	crm_match_give(run->engine, other, bag->count + 1, sizeof(*other));
	return true;
}

/* How many keys of a rule come next in the bags. */
static size_t
count_rule(const CrmMatchRun *run, int rule)
{
	size_t		count = 0;

	for (size_t i = 0; i < run->bags; i++)
		for (size_t at = run->bag[i].at; at < run->bag[i].count && run->bag[i].entry[at].hash >> 58 == (uint64) rule; at++)
			count++;
	return count;
}

/* One rule at a time, so that no more than its keys are copied. */
static void
write_rule(CrmMatchRun *run, CrmMatchWriter *writer, int rule)
{
	size_t		count = count_rule(run, rule);
	CrmMatchEntry *all = MemoryContextAllocHuge(run->context, (2 * count + 1) * sizeof(CrmMatchEntry));
	size_t		at = 0;

	for (size_t i = 0; i < run->bags; i++)
		for (CrmMatchBag *bag = &run->bag[i]; bag->at < bag->count && bag->entry[bag->at].hash >> 58 == (uint64) rule;)
			all[at++] = bag->entry[bag->at++];
	/* The sort looks at the upper bits, which are the rule's. */
	for (size_t i = 0; i < count; i++)
		all[i].hash <<= 6;
	crm_match_sort(all, all + count, count);
	for (size_t i = 0; i < count; i++)
		all[i].hash = (uint64) rule << 58 | all[i].hash >> 6;
	write_blocks(writer, all, count);
	pfree(all);
	CHECK_FOR_INTERRUPTS();
}

void
crm_match_write_keys(CrmMatchRun *run, int64 number)
{
	size_t		tasks = (crm_match_records(run->engine) + KEY_TASK - 1) / KEY_TASK;
	CrmMatchWriter *writer;

	run->bag = MemoryContextAllocZero(run->context, (tasks + 1) * sizeof(CrmMatchBag));
	run->bags = tasks;
	crm_match_run_checked(run, crm_match_parallel(run->engine, "index", tasks, keys_task, run, &run->fault));
	writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_KEY, false);
	for (int rule = 0; rule < run->model->plan->settings.rule_count; rule++)
		write_rule(run, writer, rule);
	crm_match_writer_end(writer);
	for (size_t i = 0; i < tasks; i++)
		crm_match_give(run->engine, run->bag[i].entry, run->bag[i].room, sizeof(CrmMatchEntry));
	run->bags = 0;
}

/* -- terms, pairs, clusters ------------------------------------------------------------------------- */

uint64
crm_match_stored_term(const CrmMatchStored *model, int comparison, int level, uint64 hash)
{
	uint64		mixed = hash ^ ((uint64) comparison << 8 | level) * UINT64CONST(0x9e3779b97f4a7c15);

	return crm_match_keyed(model->secret, mixed);	/* the secret of a plain model is zero */
}

static void
write_terms(CrmMatchRun *run, int64 number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_TERM, false);
	CrmMatchEntry *list = NULL;
	CrmMatchEntry *other;
	size_t		room = 0;
	size_t		count = 0;
	size_t		at = 0;
	CrmMatchTerm term;

	while (crm_match_next_term(run->engine, &at, &term))
	{
		list = crm_match_run_grown(run, list, &room, count + 1, sizeof(CrmMatchEntry));
		list[count].hash = crm_match_stored_term(run->model, term.comparison, term.level, term.hash);
		list[count++].record = (uint32) Min(term.count, UINT_MAX);
	}
	for (int i = 0; i < run->engine->slots; i++)
	{
		const CrmMatchSlot *slot = &run->engine->slot[i];

		list = crm_match_run_grown(run, list, &room, count + 1, sizeof(CrmMatchEntry));
		list[count].hash = crm_match_stored_term(run->model, slot->comparison, slot->level, CRM_MATCH_ALL_TERMS);
		list[count].record = 0;
		for (uint32 record = 0; record < crm_match_records(run->engine); record++)
			list[count].record += slot->rarity[record] > 0;
		count++;
	}
	other = MemoryContextAllocHuge(run->context, (count + 1) * sizeof(CrmMatchEntry));
	crm_match_sort(list, other, count);
	for (size_t i = 0; i < count; i++)
		crm_match_write(writer, list[i].hash, &list[i], sizeof(uint64) + sizeof(uint32));
	crm_match_writer_end(writer);
	pfree(other);
	if (list != NULL)
		pfree(list);
}

/* Those from the given one on. */
void
crm_match_write_pairs(CrmMatchRun *run, int64 number, size_t from)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_PAIR, false);
	size_t		count;
	const CrmMatchPair *pair = crm_match_pairs(run->engine, &count);

	for (size_t i = from; i < count; i++)
	{
		CrmMatchPairEntry entry = {pair[i].vector, pair[i].left, pair[i].right, pair[i].weight};

		crm_match_write(writer, i, &entry, sizeof(entry));
	}
	crm_match_writer_end(writer);
}

/* What a record's cluster was called by the run before, so that it may keep its name. */
typedef struct OldName
{
	uint64		hash;			/* of the id */
	int64		cluster;
} OldName;

static HTAB *
read_old_names(CrmMatchRun *run)
{
	HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(OldName), .hcxt = run->context};
	HTAB	   *names = hash_create("crm match old names", Max(run->model->records, 16), &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CrmMatchList *list = crm_match_list(run->model);
	CrmMatchListed listed;

	while (crm_match_list_next(list, &listed))
	{
		uint64		hash = crm_match_id_hash(listed.id, listed.id_length);
		OldName    *name = hash_search(names, &hash, HASH_ENTER, NULL);

		name->cluster = listed.cluster;
	}
	crm_match_list_end(list);
	return names;
}

static int64
old_name(const CrmMatchRun *run, HTAB *names, uint32 record)
{
	size_t		length;
	const char *id = crm_match_run_id(run, record, &length);
	uint64		hash = crm_match_id_hash(id, length);
	OldName    *name = hash_search(names, &hash, HASH_FIND, NULL);

	return name == NULL ? 0 : name->cluster;
}

/*
 * The cluster number of each record.  A cluster keeps the oldest number that one
 * of its records had and that no cluster before it took; the others get new ones.
 */
static int64 *
name_clusters(CrmMatchRun *run, const uint32 *cluster)
{
	uint32		records = crm_match_records(run->engine);
	int64	   *number = MemoryContextAllocHuge(run->context, sizeof(int64) * (size_t) Max(records, 1));
	HTAB	   *names = run->model->run > 0 ? read_old_names(run) : NULL;
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(int64), .hcxt = run->context};
	HTAB	   *taken = names == NULL ? NULL : hash_create("crm match taken names", Max(records, 16), &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	memset(number, 0, sizeof(int64) * (size_t) records);
	/* The oldest old number stands at the cluster's first record. */
	for (uint32 i = 0; names != NULL && i < records; i++)
	{
		int64		old = old_name(run, names, i);
		int64	   *best = &number[cluster[i]];

		if (old != 0 && (*best == 0 || old < *best))
			*best = old;
	}
	for (uint32 i = 0; i < records; i++)
	{
		bool		found = false;

		if (cluster[i] != i)
			continue;
		if (number[i] != 0)
			(void) hash_search(taken, &number[i], HASH_ENTER, &found);
		if (number[i] == 0 || found)
			number[i] = run->model->next_cluster++;
	}
	for (uint32 i = 0; i < records; i++)
		number[i] = number[cluster[i]];
	return number;
}

static void
write_identities(CrmMatchRun *run, int64 page_run, const int64 *number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, page_run, CRM_MATCH_PAGE_IDENTITY, false);
	StringInfoData entry;

	initStringInfo(&entry);
	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
	{
		size_t		length;
		const char *id = crm_match_run_id(run, i, &length);
		uint32		short_length = (uint32) length;

		resetStringInfo(&entry);
		put(&entry, &number[i], sizeof(int64));
		put(&entry, &short_length, sizeof(short_length));
		put(&entry, id, length);
		crm_match_write(writer, i, entry.data, entry.len);
	}
	crm_match_writer_end(writer);
}

/* Clusters of two and more with their records; how many clusters there are in all. */
static int64
write_clusters(CrmMatchRun *run, int64 page_run, const uint32 *cluster, const int64 *number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, page_run, CRM_MATCH_PAGE_CLUSTER, false);
	uint32		records = crm_match_records(run->engine);
	CrmMatchEntry *list = MemoryContextAllocHuge(run->context, sizeof(CrmMatchEntry) * ((size_t) records + 1));
	CrmMatchEntry *other = MemoryContextAllocHuge(run->context, sizeof(CrmMatchEntry) * ((size_t) records + 1));
	StringInfoData entry;
	int64		clusters = 0;

	initStringInfo(&entry);
	for (uint32 i = 0; i < records; i++)
	{
		list[i] = (CrmMatchEntry) {(uint64) number[i], i};
		clusters += cluster[i] == i;
	}
	/* Numbers are small, so the radix sort would see only zeros: the slow way is fast enough. */
	qsort(list, records, sizeof(CrmMatchEntry), crm_match_by_hash);
	for (uint32 from = 0, to; from < records; from = to)
	{
		uint32		members;

		for (to = from + 1; to < records && list[to].hash == list[from].hash; to++)
			;
		members = to - from;
		if (members < 2)
			continue;
		resetStringInfo(&entry);
		put(&entry, &list[from].hash, sizeof(uint64));
		put(&entry, &members, sizeof(members));
		for (uint32 i = from; i < to; i++)
			put(&entry, &list[i].record, sizeof(uint32));
		crm_match_write(writer, list[from].hash, entry.data, entry.len);
	}
	crm_match_writer_end(writer);
	pfree(list);
	pfree(other);
	return clusters;
}

static void
write_report(const CrmMatchRun *run)
{
	static const Oid types[] = {INT4OID, INT2OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID};
	Datum		values[8] = {Int32GetDatum(run->model->model_id)};

	crm_match_exec("DELETE FROM crm_data.match_report WHERE model_id = $1", 1, types, values, NULL);
	for (int i = 0; i < run->model->plan->settings.rule_count; i++)
	{
		CrmMatchRuleReport report;

		crm_match_rule_report(run->engine, i, &report);
		values[1] = Int16GetDatum(i + 1);
		values[2] = CStringGetTextDatum(crm_match_rule_text(run->model->plan, i));
		values[3] = Int64GetDatum(report.pairs);
		values[4] = Int64GetDatum(report.blocks);
		values[5] = Int64GetDatum(report.skipped);
		values[6] = Int64GetDatum(report.skipped_pairs);
		values[7] = Int64GetDatum(report.largest);
		crm_match_exec("INSERT INTO crm_data.match_report (model_id, rule, blocking_rule, pairs, blocks, skipped, skipped_pairs, largest)"
					   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", 8, types, values, NULL);
	}
}

static void
remove_older(const CrmMatchRun *run, int64 number)
{
	static const char *const added[] = {"match_record", "match_key", "match_pair", "match_cluster", "match_gone"};
	static const Oid types[] = {INT4OID, INT8OID};
	Datum		values[2] = {Int32GetDatum(run->model->model_id), Int64GetDatum(number)};

	crm_match_exec("DELETE FROM crm_data.match_page WHERE model_id = $1 AND run <> $2", 2, types, values, NULL);
	for (int i = 0; i < (int) lengthof(added); i++)
		crm_match_exec(psprintf("DELETE FROM crm_data.%s WHERE model_id = $1", added[i]), 1, types, values, NULL);
}

static void
write_model(const CrmMatchRun *run, int64 number, int64 clusters)
{
	static const Oid types[] = {INT4OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID};
	static const Oid counter_types[] = {INT4OID, INT8OID, INT8OID};
	size_t		pairs;
	Datum		values[7];
	Datum		counter[3];

	(void) crm_match_pairs(run->engine, &pairs);
	values[0] = Int32GetDatum(run->model->model_id);
	values[1] = Int64GetDatum(number);
	values[2] = Int64GetDatum(crm_match_records(run->engine));
	values[3] = Int64GetDatum(crm_match_candidates(run->engine));
	values[4] = Int64GetDatum(pairs);
	values[5] = Int64GetDatum(clusters);
	values[6] = Int64GetDatum(crm_match_keyed(run->model->secret, 0));
	crm_match_exec("UPDATE crm_data.match_model SET run = $2, records = $3, candidates = $4, pairs = $5, clusters = $6, secret_check = $7,"
				   " fingerprint = NULL, state = 'done', run_at = pg_catalog.clock_timestamp(), version = version + 1 WHERE model_id = $1",
				   7, types, values, NULL);
	counter[0] = values[0];
	counter[1] = values[2];
	counter[2] = Int64GetDatum(run->model->next_cluster);
	crm_match_exec("INSERT INTO crm_data.match_counter (model_id, next_record, next_cluster) VALUES ($1, $2, $3)"
				   " ON CONFLICT (model_id) DO UPDATE SET next_record = excluded.next_record, next_cluster = excluded.next_cluster",
				   3, counter_types, counter, NULL);
}

/* -- judgements of people bind the result ------------------------------------------------------------------ */

/* The smaller record leads, as the engine has it. */
static void
unite(uint32 *cluster, uint32 records, uint32 a, uint32 b)
{
	uint32		low = Min(a, b);
	uint32		high = Max(a, b);

	for (uint32 i = 0; i < records && a != b; i++)
		if (cluster[i] == high)
			cluster[i] = low;
}

static double
weight_between(const CrmMatchRun *run, uint32 a, uint32 b)
{
	CrmMatchScore score;
	size_t		length;

	crm_match_score(&run->model->plan->settings, crm_match_model(run->engine), crm_match_record(run->engine, a, &length),
					crm_match_record(run->engine, b, &length), NULL, NULL, &score);
	return score.weight;
}

/* Two records that are not the same part; each other one goes with that which it resembles more. */
static void
split(const CrmMatchRun *run, uint32 *cluster, uint32 records, const CrmMatchLabel *label)
{
	uint32		whole = cluster[label->left];
	uint32		first[2] = {UINT_MAX, UINT_MAX};

	for (int pass = 0; pass < 2; pass++)
		for (uint32 i = 0; i < records; i++)
		{
			bool		right;

			if (cluster[i] != whole && !(pass == 1 && (cluster[i] == UINT_MAX || cluster[i] == UINT_MAX - 1)))
				continue;
			if (pass == 1)
			{
				cluster[i] = first[UINT_MAX - cluster[i]];
				continue;
			}
			right = i == label->right || (i != label->left && weight_between(run, i, label->right) > weight_between(run, i, label->left));
			if (first[right] == UINT_MAX)
				first[right] = i;
			cluster[i] = UINT_MAX - right;
		}
}

/* Clusters with what people said: same first, so that different has the last word. */
static uint32 *
judged_clusters(CrmMatchRun *run, const CrmMatchEntry *sorted)
{
	uint32		records = crm_match_records(run->engine);
	uint32	   *cluster = MemoryContextAllocHuge(run->context, sizeof(uint32) * ((size_t) records + 1));
	size_t		count;
	CrmMatchLabel *label = crm_match_run_labels(run, sorted, &count);

	memcpy(cluster, crm_match_clusters(run->engine), sizeof(uint32) * records);
	for (size_t i = 0; i < count; i++)
		if (label[i].same)
			unite(cluster, records, cluster[label[i].left], cluster[label[i].right]);
	for (size_t i = 0; i < count; i++)
		if (!label[i].same && cluster[label[i].left] == cluster[label[i].right])
			split(run, cluster, records, &label[i]);
	return cluster;
}

void
crm_match_write_result(CrmMatchRun *run, const CrmMatchEntry *sorted)
{
	CrmMatchOwner owner;
	int64		number = run->number;
	const uint32 *cluster = judged_clusters(run, sorted);
	int64	   *names = name_clusters(run, cluster);
	int64		clusters;

	crm_match_owner_begin(&owner);
	write_terms(run, number);
	write_identities(run, number, names);
	clusters = write_clusters(run, number, cluster, names);
	write_report(run);
	remove_older(run, number);
	write_model(run, number, clusters);
	crm_match_owner_end(&owner);
}
