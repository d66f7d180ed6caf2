/*
 * match_block_core.c: blocks: records that share a key, and from them the
 * candidates of a record.
 *
 * Rules are taken eight at a time, so that the keys in flight stay small.  A
 * rule's keys are sorted, equal ones make a block.  How large a block may be
 * follows from what the rule may spend: the cap is the largest that keeps the
 * rule's pairs within its share of the budget, so that one giant block costs
 * nothing but a line in the report.
 */
#include "match_inside_core.h"

#include <stdlib.h>

#define GROUP		8			/* rules in flight */
#define KEY_TASK	8192		/* records of one task */
#define SIZE_TOP	4096		/* block sizes that are told apart */

/* Keys of one task, those of the first rule first. */
typedef struct KeyBag
{
	CrmMatchEntry *entry;
	size_t		count[GROUP];
	size_t		total;
	size_t		room;
} KeyBag;

typedef struct RuleBlocks
{
	uint32_t   *member;
	size_t		members;
	size_t		member_room;
	uint32_t   *size;
	size_t		blocks;
	size_t		size_room;
} RuleBlocks;

typedef struct Blocking
{
	CrmMatchEngine *engine;
	CrmMatchSettings *part;		/* one per thread: settings that know the group's rules alone */
	int			first;			/* rule of the group */
	int			rules;
	size_t		tasks;
	KeyBag	   *bag;
	RuleBlocks	made[GROUP];
	uint64_t	share;			/* pairs that a rule may make */
} Blocking;

/* -- sorting ------------------------------------------------------------------ */

#define RADIX_BITS 11
#define RADIX_SIZE (1 << RADIX_BITS)
#define RADIX_PASSES 3

static int
by_hash(const void *a, const void *b)
{
	const CrmMatchEntry *x = a;
	const CrmMatchEntry *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

static void
radix_pass(const CrmMatchEntry *from, CrmMatchEntry *to, size_t count, int shift)
{
	size_t		at[RADIX_SIZE] = {0};
	size_t		sum = 0;

	for (size_t i = 0; i < count; i++)
		at[from[i].hash >> shift & (RADIX_SIZE - 1)]++;
	for (int i = 0; i < RADIX_SIZE; i++)
	{
		size_t		here = at[i];

		at[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[at[from[i].hash >> shift & (RADIX_SIZE - 1)]++] = from[i];
}

/* By the upper 33 bits with three passes; where these are equal and the hashes are not, by all. */
void
crm_match_sort(CrmMatchEntry *entry, CrmMatchEntry *other, size_t count)
{
	const int	shift = 64 - RADIX_BITS * RADIX_PASSES;

	if (count < 512)
	{
		qsort(entry, count, sizeof(*entry), by_hash);
		return;
	}
	radix_pass(entry, other, count, shift);
	radix_pass(other, entry, count, shift + RADIX_BITS);
	radix_pass(entry, other, count, shift + 2 * RADIX_BITS);
	memcpy(entry, other, count * sizeof(*entry));
	for (size_t from = 0, to; from < count; from = to)
	{
		bool		mixed = false;

		for (to = from + 1; to < count && entry[to].hash >> shift == entry[from].hash >> shift; to++)
			mixed |= entry[to].hash != entry[from].hash;
		if (mixed)
			qsort(entry + from, to - from, sizeof(*entry), by_hash);
	}
}

/* -- keys --------------------------------------------------------------------- */

/* Keys as records give them, each beside its rule. */
typedef struct Keys
{
	CrmMatchEntry *entry;
	unsigned char *rule;
	size_t		room;
} Keys;

static bool
keys_room(CrmMatchEngine *engine, Keys *keys, size_t need)
{
	size_t		room = keys->room + need;
	CrmMatchEntry *entry = crm_match_take_more(engine, keys->entry, keys->room, room, sizeof(*entry));
	unsigned char *rule;

	if (entry == NULL)
		return false;
	keys->entry = entry;
	rule = crm_match_take_more(engine, keys->rule, keys->room, room, 1);
	if (rule == NULL)
		return false;			/* the run ends with this: what is counted too little does not matter */
	keys->rule = rule;
	keys->room = room;
	return true;
}

/* Put in the order of rules. */
static bool
order_keys(CrmMatchEngine *engine, const Keys *keys, KeyBag *bag)
{
	size_t		at[GROUP];

	bag->entry = crm_match_take(engine, bag->total + 1, sizeof(CrmMatchEntry));
	if (bag->entry == NULL)
		return false;
	bag->room = bag->total + 1;
	for (size_t i = 0, sum = 0; i < GROUP; i++)
	{
		at[i] = sum;
		sum += bag->count[i];
	}
	for (size_t i = 0; i < bag->total; i++)
		bag->entry[at[keys->rule[i]]++] = keys->entry[i];
	return true;
}

static bool
keys_task(void *state, int thread, size_t task)
{
	Blocking   *blocking = state;
	CrmMatchEngine *engine = blocking->engine;
	KeyBag	   *bag = &blocking->bag[task];
	Keys		keys = {NULL, NULL, 0};
	size_t		from = task * KEY_TASK;
	size_t		to = from + KEY_TASK < engine->records ? from + KEY_TASK : engine->records;
	bool		ok = keys_room(engine, &keys, (to - from) * (size_t) blocking->rules + CRM_MATCH_RECORD_KEY_MAX);

	for (size_t record = from; record < to && ok; record++)
	{
		CrmMatchRecordKey key[CRM_MATCH_RECORD_KEY_MAX];
		int			found = crm_match_keys(&blocking->part[thread], engine->record[record], key, CRM_MATCH_RECORD_KEY_MAX);

		if (bag->total + (size_t) found > keys.room)
			ok = keys_room(engine, &keys, keys.room + (size_t) found);
		for (int i = 0; i < found && ok; i++)
		{
			keys.entry[bag->total].hash = key[i].hash;
			keys.entry[bag->total].record = (uint32_t) record;
			keys.rule[bag->total++] = (unsigned char) key[i].rule;
			bag->count[key[i].rule]++;
		}
	}
	ok = ok && order_keys(engine, &keys, bag);
	crm_match_give(engine, keys.entry, keys.room, sizeof(*keys.entry));
	crm_match_give(engine, keys.rule, keys.room, 1);
	return ok;
}

/* -- blocks of one rule -------------------------------------------------------- */

/* The largest block size that keeps all smaller blocks within the budget. */
static uint32_t
choose_cap(const uint64_t *sizes, uint32_t cap, uint64_t budget)
{
	uint64_t	pairs = 0;

	for (uint32_t size = 2; size <= cap; size++)
	{
		pairs += sizes[size] * ((uint64_t) size * (size - 1) / 2);
		if (pairs > budget)
			return size > 8 ? size - 1 : 8;
	}
	return cap;
}

static void
count_block(CrmMatchRuleReport *report, uint64_t *sizes, size_t size)
{
	report->blocks++;
	if (size > report->largest)
		report->largest = (uint32_t) size;
	sizes[size < SIZE_TOP ? size : SIZE_TOP]++;
}

static size_t
run_end(const CrmMatchEntry *entry, size_t from, size_t count)
{
	size_t		to = from + 1;

	while (to < count && entry[to].hash == entry[from].hash)
		to++;
	return to;
}

static bool
make_blocks(Blocking *blocking, int rule, const CrmMatchEntry *entry, size_t count)
{
	CrmMatchEngine *engine = blocking->engine;
	CrmMatchRuleReport *report = &engine->report[blocking->first + rule];
	RuleBlocks *made = &blocking->made[rule];
	uint64_t	sizes[SIZE_TOP + 1] = {0};
	uint32_t	cap = engine->settings.block_cap < SIZE_TOP ? engine->settings.block_cap : SIZE_TOP - 1;

	memset(report, 0, sizeof(*report));
	for (size_t from = 0, to; from < count; from = to)
	{
		to = run_end(entry, from, count);
		if (to - from > 1)
			count_block(report, sizes, to - from);
	}
	cap = choose_cap(sizes, cap, blocking->share);
	engine->model.rule_cap[blocking->first + rule] = cap;
	made->member_room = count + 1;
	made->size_room = report->blocks + 1;
	made->member = crm_match_take(engine, made->member_room, sizeof(*made->member));
	made->size = crm_match_take(engine, made->size_room, sizeof(*made->size));
	if (made->member == NULL || made->size == NULL)
		return false;
	for (size_t from = 0, to; from < count; from = to)
	{
		to = run_end(entry, from, count);
		if (to - from > cap)
		{
			report->skipped++;
			report->skipped_pairs += (uint64_t) (to - from) * (to - from - 1) / 2;
		}
		else if (to - from > 1)
		{
			made->size[made->blocks++] = (uint32_t) (to - from);
			report->pairs += (uint64_t) (to - from) * (to - from - 1) / 2;
			for (size_t i = from; i < to; i++)
				made->member[made->members++] = entry[i].record;
		}
	}
	return true;
}

static bool
rule_task(void *state, int thread, size_t task)
{
	Blocking   *blocking = state;
	CrmMatchEngine *engine = blocking->engine;
	size_t		count = 0;
	size_t		at = 0;
	CrmMatchEntry *entry;
	CrmMatchEntry *other;
	bool		made;

	(void) thread;
	for (size_t i = 0; i < blocking->tasks; i++)
		count += blocking->bag[i].count[task];
	entry = crm_match_take(engine, count + 1, sizeof(*entry));
	other = crm_match_take(engine, count + 1, sizeof(*other));
	for (size_t i = 0; i < blocking->tasks && entry != NULL && other != NULL; i++)
	{
		const KeyBag *bag = &blocking->bag[i];
		size_t		from = 0;

		for (size_t rule = 0; rule < task; rule++)
			from += bag->count[rule];
		memcpy(entry + at, bag->entry + from, bag->count[task] * sizeof(*entry));
		at += bag->count[task];
	}
	made = entry != NULL && other != NULL;
	if (made)
		crm_match_sort(entry, other, count);
	crm_match_give(engine, other, count + 1, sizeof(*other));
	made = made && make_blocks(blocking, (int) task, entry, count);
	crm_match_give(engine, entry, count + 1, sizeof(*entry));
	return made;
}

/* -- all rules ---------------------------------------------------------------- */

static bool
append_blocks(CrmMatchEngine *engine, int rule, const RuleBlocks *made)
{
	CrmMatchBlocks *blocks = &engine->blocks;
	uint32_t   *member = crm_match_take_more(engine, blocks->member, blocks->member_room,
											 blocks->members + made->members + 1, sizeof(*member));
	uint64_t   *start;

	if (member == NULL)
		return false;
	blocks->member = member;
	blocks->member_room = blocks->members + made->members + 1;
	start = crm_match_take_more(engine, blocks->start, blocks->block_room, blocks->blocks + made->blocks + 1, sizeof(*start));
	if (start == NULL)
		return false;
	blocks->start = start;
	blocks->block_room = blocks->blocks + made->blocks + 1;
	if (made->members > 0)
		memcpy(member + blocks->members, made->member, made->members * sizeof(*member));
	blocks->rule_first[rule] = blocks->blocks;
	for (size_t i = 0; i < made->blocks; i++)
	{
		start[blocks->blocks++] = blocks->members;
		blocks->members += made->size[i];
	}
	start[blocks->blocks] = blocks->members;
	blocks->rule_first[rule + 1] = blocks->blocks;
	return true;
}

static CrmMatchCode
block_group(Blocking *blocking, CrmMatchFault *fault)
{
	CrmMatchEngine *engine = blocking->engine;
	CrmMatchCode code;

	memset(blocking->made, 0, sizeof(blocking->made));
	for (int i = 0; i < crm_match_threads(engine); i++)
	{
		blocking->part[i] = engine->settings;
		blocking->part[i].rule_count = blocking->rules;
		memcpy(blocking->part[i].rule, &engine->settings.rule[blocking->first], (size_t) blocking->rules * sizeof(CrmMatchRule));
	}
	blocking->bag = calloc(blocking->tasks + 1, sizeof(KeyBag));
	if (blocking->bag == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "keys");
	code = crm_match_parallel(engine, "keys", blocking->tasks, keys_task, blocking, fault);
	if (code == CRM_MATCH_OK)
		code = crm_match_parallel(engine, "blocks", (size_t) blocking->rules, rule_task, blocking, fault);
	for (int i = 0; i < blocking->rules; i++)
	{
		if (code == CRM_MATCH_OK && !append_blocks(engine, blocking->first + i, &blocking->made[i]))
			code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "blocks");
		crm_match_give(engine, blocking->made[i].member, blocking->made[i].member_room, sizeof(uint32_t));
		crm_match_give(engine, blocking->made[i].size, blocking->made[i].size_room, sizeof(uint32_t));
	}
	for (size_t i = 0; i < blocking->tasks; i++)
		crm_match_give(engine, blocking->bag[i].entry, blocking->bag[i].room, sizeof(CrmMatchEntry));
	free(blocking->bag);
	return code;
}

/* From each record to its blocks, in the order of rules. */
static bool
index_records(CrmMatchEngine *engine)
{
	CrmMatchBlocks *blocks = &engine->blocks;
	uint64_t	sum = 0;

	blocks->record_start = crm_match_take(engine, engine->records + 2, sizeof(uint64_t));
	blocks->record_block = crm_match_take(engine, blocks->members + 1, sizeof(uint32_t));
	if (blocks->record_start == NULL || blocks->record_block == NULL)
		return false;
	memset(blocks->record_start, 0, (engine->records + 2) * sizeof(uint64_t));
	for (size_t i = 0; i < blocks->members; i++)
		blocks->record_start[blocks->member[i] + 2]++;
	for (size_t i = 2; i < engine->records + 2; i++)
		blocks->record_start[i] = sum += blocks->record_start[i];
	for (size_t block = 0; block < blocks->blocks; block++)
		for (uint64_t i = blocks->start[block]; i < blocks->start[block + 1]; i++)
			blocks->record_block[blocks->record_start[blocks->member[i] + 1]++] = (uint32_t) block;
	return true;
}

static uint64_t
pair_budget(const CrmMatchEngine *engine)
{
	uint64_t	usual = 14 * (uint64_t) engine->records;

	if (engine->settings.pair_budget != 0)
		return engine->settings.pair_budget;
	return usual > 12000000 ? usual : 12000000;
}

CrmMatchCode
crm_match_block(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	Blocking	blocking = {.engine = engine};
	CrmMatchCode code = CRM_MATCH_OK;
	uint64_t	left;

	if (engine->blocked)
		return CRM_MATCH_OK;
	blocking.tasks = (engine->records + KEY_TASK - 1) / KEY_TASK;
	left = pair_budget(engine);
	blocking.part = malloc((size_t) crm_match_threads(engine) * sizeof(CrmMatchSettings));
	if (blocking.part == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "blocks");
	for (int first = 0; first < engine->settings.rule_count && code == CRM_MATCH_OK; first += GROUP)
	{
		blocking.first = first;
		blocking.rules = engine->settings.rule_count - first < GROUP ? engine->settings.rule_count - first : GROUP;
		blocking.share = left / (uint64_t) (engine->settings.rule_count - first) + 1;
		code = block_group(&blocking, fault);
		for (int i = 0; i < blocking.rules; i++)
			left -= engine->report[first + i].pairs < left ? engine->report[first + i].pairs : left;
	}
	free(blocking.part);
	if (code == CRM_MATCH_OK && !index_records(engine))
		code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "blocks");
	engine->blocked = code == CRM_MATCH_OK;
	return code;
}

/* -- candidates --------------------------------------------------------------- */

bool
crm_match_finder_open(CrmMatchEngine *engine, CrmMatchFinder *finder)
{
	memset(finder, 0, sizeof(*finder));
	finder->stamp = crm_match_take(engine, engine->records + 1, sizeof(uint32_t));
	if (finder->stamp != NULL)
		memset(finder->stamp, 0, (engine->records + 1) * sizeof(uint32_t));
	finder->room = 2 * CRM_MATCH_FOUND_ENOUGH;
	finder->found = crm_match_take(engine, finder->room, sizeof(*finder->found));
	return finder->stamp != NULL && finder->found != NULL;
}

void
crm_match_finder_close(CrmMatchEngine *engine, CrmMatchFinder *finder)
{
	crm_match_give(engine, finder->stamp, engine->records + 1, sizeof(uint32_t));
	crm_match_give(engine, finder->found, finder->room, sizeof(*finder->found));
}

static bool
finder_room(CrmMatchEngine *engine, CrmMatchFinder *finder, size_t need)
{
	CrmMatchFound *found;

	if (need <= finder->room)
		return true;
	found = crm_match_take_more(engine, finder->found, finder->room, need * 2, sizeof(*found));
	if (found == NULL)
		return false;
	finder->found = found;
	finder->room = need * 2;
	return true;
}

/* A block's place for the record after the next, its members for the next. */
static inline void
fetch_blocks(const CrmMatchBlocks *blocks, size_t records, uint32_t record)
{
	if (record + 4 < records)
		for (uint64_t i = blocks->record_start[record + 4]; i < blocks->record_start[record + 5]; i++)
			__builtin_prefetch(&blocks->start[blocks->record_block[i]]);
	if (record + 2 < records)
		for (uint64_t i = blocks->record_start[record + 2]; i < blocks->record_start[record + 3]; i++)
			__builtin_prefetch(&blocks->member[blocks->start[blocks->record_block[i]]]);
}

/* The records before this one that share a block with it, each with the first rule that finds it. */
bool
crm_match_find(CrmMatchEngine *engine, CrmMatchFinder *finder, uint32_t record, int only_rule)
{
	const CrmMatchBlocks *blocks = &engine->blocks;
	int			rule = 0;

	fetch_blocks(blocks, engine->records, record);
	for (uint64_t i = blocks->record_start[record]; i < blocks->record_start[record + 1]; i++)
	{
		uint32_t	block = blocks->record_block[i];
		uint64_t	end = blocks->start[block + 1];

		while (block >= blocks->rule_first[rule + 1])
			rule++;
		if (only_rule >= 0 && rule != only_rule)
			continue;
		if (!finder_room(engine, finder, finder->count + (size_t) (end - blocks->start[block])))
			return false;
		for (uint64_t at = blocks->start[block]; at < end && blocks->member[at] < record; at++)
		{
			uint32_t	other = blocks->member[at];

			if (finder->stamp[other] == record + 1)
				continue;
			finder->stamp[other] = record + 1;
			if (engine->settings.link == CRM_MATCH_LINK_ONLY && engine->source[other] == engine->source[record])
				continue;
			finder->found[finder->count++] = (CrmMatchFound) {other, record, rule};
		}
	}
	return true;
}

/* A record lies over several lines of the cache, far from the one before. */
static inline void
fetch(const unsigned char *record)
{
	__builtin_prefetch(record);
	__builtin_prefetch(record + 64);
	__builtin_prefetch(record + 128);
}

/* The pointers of those that come later, the bytes of those that come soon. */
void
crm_match_look_ahead(const CrmMatchEngine *engine, const CrmMatchFound *found, size_t count, size_t i)
{
	if (i + 24 < count)
	{
		__builtin_prefetch(&engine->record[found[i + 24].left]);
		__builtin_prefetch(&engine->record[found[i + 24].right]);
	}
	if (i + 12 < count)
	{
		fetch(engine->record[found[i + 12].left]);
		fetch(engine->record[found[i + 12].right]);
	}
}
