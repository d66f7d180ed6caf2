/*
 * match_inside_core.h: what the engine's files share among themselves, one file
 * per phase: records, blocks, training, scores, clusters.
 */
#ifndef CRM_MATCH_INSIDE_CORE_H
#define CRM_MATCH_INSIDE_CORE_H

#include "match_parts_core.h"

#define CRM_MATCH_SLOT_MAX	24		/* (comparison, level) whose terms are counted */
#define CRM_MATCH_TASK		2048	/* records of one task of a worker */

/* Rarity of a term as a byte: eighths of a bit of -log2(frequency); 0: no term. */
#define CRM_MATCH_RARITY_STEP 8.0

typedef struct CrmMatchChunk
{
	struct CrmMatchChunk *next;
	size_t		used;
	size_t		room;
	unsigned char bytes[];
} CrmMatchChunk;

/* Where the terms of a comparison's level are counted. */
typedef struct CrmMatchSlot
{
	int			comparison;
	int			level;
	uint8_t    *rarity;			/* one per record */
	CrmMatchTerm *term;			/* those that more than one record has */
	size_t		terms;
} CrmMatchSlot;

/* Blocks of all rules, numbered through; members ascend. */
typedef struct CrmMatchBlocks
{
	uint32_t   *member;
	size_t		members;
	size_t		member_room;
	uint64_t   *start;			/* of each block in member; one more at the end */
	size_t		blocks;
	size_t		block_room;
	size_t		rule_first[CRM_MATCH_RULE_MAX + 1];	/* first block of a rule */
	uint64_t   *record_start;	/* of each record in record_block */
	uint32_t   *record_block;
} CrmMatchBlocks;

/* Distinct vectors and how often: open addressing, count 0 is free. */
typedef struct CrmMatchTally
{
	CrmMatchVector *entry;
	size_t		room;			/* a power of two */
	size_t		used;
} CrmMatchTally;

struct CrmMatchEngine
{
	CrmMatchSettings settings;
	CrmMatchHost host;
	CrmMatchFault fault;
	size_t		memory;			/* bytes taken */

	CrmMatchChunk *chunk;
	const unsigned char **record;
	uint32_t   *source;
	size_t		records;
	size_t		record_room;

	bool		blocked;
	CrmMatchBlocks blocks;
	CrmMatchRuleReport report[CRM_MATCH_RULE_MAX];

	bool		termed;
	CrmMatchSlot slot[CRM_MATCH_SLOT_MAX];
	int			slots;
	int8_t		slot_of[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];	/* -1: none */

	CrmMatchModel model;
	bool		has_u;
	CrmMatchTally tally;		/* vectors of candidates that training saw */
	double		tally_scale;	/* candidates for each that was counted */
	CrmMatchVector *vector;		/* the same, sorted, for who asks */

	CrmMatchPair *pair;
	size_t		pairs;
	size_t		pair_room;
	uint64_t	candidates;
	uint32_t   *cluster;
};

/* Memory under the budget; NULL when it is spent. */
extern void *crm_match_take(CrmMatchEngine *engine, size_t count, size_t size);
extern void *crm_match_take_more(CrmMatchEngine *engine, void *old, size_t old_count, size_t count, size_t size);
extern void crm_match_give(CrmMatchEngine *engine, void *memory, size_t count, size_t size);
extern CrmMatchCode crm_match_fail(CrmMatchFault *fault, CrmMatchCode code, const char *detail);
extern bool crm_match_stop(CrmMatchEngine *engine);
extern void crm_match_tell(CrmMatchEngine *engine, const char *phase, uint64_t done, uint64_t total);

/*
 * Tasks 0..tasks-1 by all threads of the host.  worker() is told which thread
 * runs it (0 is the caller's, which polls for cancel) and answers false to give up.
 */
typedef bool (*CrmMatchWork) (void *state, int thread, size_t task);
extern CrmMatchCode crm_match_parallel(CrmMatchEngine *engine, const char *phase, size_t tasks,
									   CrmMatchWork work, void *state, CrmMatchFault *fault);
extern int	crm_match_threads(const CrmMatchEngine *engine);

/* Sorting of (hash, record); other is as large as entry. Result is in entry. */
typedef struct CrmMatchEntry
{
	uint64_t	hash;
	uint32_t	record;
} CrmMatchEntry;
extern void crm_match_sort(CrmMatchEntry *entry, CrmMatchEntry *other, size_t count);

/* Vector of two prepared records; with the record numbers unknown. */
extern uint64_t crm_match_compare(const CrmMatchSettings *settings, const unsigned char *a, const unsigned char *b);
extern bool crm_match_is_conflict(const CrmMatchSettings *settings, uint64_t vector);

/* Two records to be compared, the smaller number on the left, and the rule that found them. */
typedef struct CrmMatchFound
{
	uint32_t	left;
	uint32_t	right;
	int			rule;
} CrmMatchFound;

/*
 * Candidates of records one after the other: enough are gathered before the first
 * is looked at that the bytes of those to come can be fetched meanwhile.
 */
#define CRM_MATCH_FOUND_ENOUGH 512
typedef struct CrmMatchFinder
{
	uint32_t   *stamp;
	CrmMatchFound *found;
	size_t		count;
	size_t		room;
} CrmMatchFinder;
extern bool crm_match_finder_open(CrmMatchEngine *engine, CrmMatchFinder *finder);
extern void crm_match_finder_close(CrmMatchEngine *engine, CrmMatchFinder *finder);
/* Adds those of one record among the records before it; false when memory is short. */
extern bool crm_match_find(CrmMatchEngine *engine, CrmMatchFinder *finder, uint32_t record, int only_rule);
/* Before found[i] is compared: what comes later is asked for. */
extern void crm_match_look_ahead(const CrmMatchEngine *engine, const CrmMatchFound *found, size_t count, size_t i);

/* Tally. */
extern bool crm_match_tally_add(CrmMatchEngine *engine, CrmMatchTally *tally, uint64_t vector, uint64_t count);
extern void crm_match_tally_free(CrmMatchEngine *engine, CrmMatchTally *tally);

/* Terms, weights. */
extern CrmMatchCode crm_match_count_terms(CrmMatchEngine *engine, CrmMatchFault *fault);

/* The model's classes as logarithms, ready for pairs. */
typedef struct CrmMatchScale
{
	int			comparisons;
	int			classes;
	int			match_classes;
	float		base[CRM_MATCH_CLASS_MAX];
	float		bits[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX][CRM_MATCH_CLASS_MAX];
} CrmMatchScale;
extern void crm_match_scale(const CrmMatchModel *model, CrmMatchScale *scale);
extern double crm_match_vector_weight(const CrmMatchScale *scale, uint64_t vector);
/* What the rarity of the values adds, for two records of the engine. */
extern double crm_match_pair_terms(const CrmMatchEngine *engine, uint32_t a, uint32_t b, uint64_t vector);

/* Rules for the comparisons that settings have. */
extern CrmMatchCode crm_match_suggest_rules(const CrmMatchText *value, size_t rows, uint64_t total,
											CrmMatchSettings *settings, CrmMatchFault *fault);
/* Whether a word is a forename that many people have, long or short. */
extern bool crm_match_is_forename(const char *text, int length);

/* One pair alone neither makes nor breaks a cluster: bounds of a weight within a mean. */
static inline double
crm_match_bound(double weight)
{
	return weight < -10 ? -10 : weight > 20 ? 20 : weight;
}

static inline uint64_t
crm_match_random(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return crm_match_stir(*state);
}

#endif							/* CRM_MATCH_INSIDE_CORE_H */
