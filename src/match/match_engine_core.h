/*
 * match_engine_core.h: the matching engine, from texts to clusters.
 *
 * Records are prepared once (kinds of match_kind_core.h), block keys are made
 * of prepared values, every candidate pair becomes a vector of levels, and a
 * Fellegi-Sunter model that is fitted to the counts of vectors gives a vector
 * its weight.  doc/match-method.md says how and why.
 *
 * Pure C: memory is malloc'ed under one engine and freed by one destroy; a
 * failure is a CrmMatchCode with its detail in a CrmMatchFault; nothing exits,
 * raises or logs.  With more than one thread the engine starts workers with
 * all signals blocked that compute and nothing else; host callbacks are called
 * by the calling thread alone.  For one seed the result is the same whatever
 * the number of threads.
 *
 * The order of a batch:
 *	create, add_record or add_prepared ..., train (or set_model), predict,
 *	cluster, read results, destroy.
 * One new record against a stored batch needs no engine: prepare, keys, then
 * crm_match_score() for every candidate and crm_match_join() for its cluster.
 */
#ifndef CRM_MATCH_ENGINE_CORE_H
#define CRM_MATCH_ENGINE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match_kind_core.h"

#define CRM_MATCH_COMPARISON_MAX	16	/* four bits each of a vector */
#define CRM_MATCH_COLUMN_MAX		64
#define CRM_MATCH_JOIN_MAX			4	/* columns of one comparison */
#define CRM_MATCH_RULE_MAX			64
#define CRM_MATCH_PART_MAX			3	/* keys that a rule conjoins */
#define CRM_MATCH_CLASS_MAX			6	/* latent classes of a model */
#define CRM_MATCH_PREPARED_MAX		(CRM_MATCH_COMPARISON_MAX * (CRM_MATCH_VALUE_MAX + 2) + 4)
#define CRM_MATCH_RECORD_KEY_MAX	256	/* block keys of one record, all rules */

/* Between the columns that one comparison reads. */
#define CRM_MATCH_SEPARATOR			'\x1f'

typedef enum CrmMatchCode
{
	CRM_MATCH_OK,
	CRM_MATCH_NO_MEMORY,		/* malloc refused, or the budget is spent */
	CRM_MATCH_CANCELED,
	CRM_MATCH_SETTINGS,			/* the settings contradict themselves */
	CRM_MATCH_NO_COLUMNS,		/* nothing to compare: no usable column */
	CRM_MATCH_NO_RULES,			/* nothing to block by */
	CRM_MATCH_TOO_MANY,			/* more records than 2^31, or pairs than fit */
	CRM_MATCH_FORM,				/* prepared bytes or a packed model are damaged */
	CRM_MATCH_ORDER,			/* a step before the one it rests on */
	CRM_MATCH_THREAD			/* a worker could not be started */
} CrmMatchCode;

typedef struct CrmMatchFault
{
	CrmMatchCode code;
	char		detail[160];	/* English, no personal data; may be empty */
} CrmMatchFault;

extern const char *crm_match_reason(CrmMatchCode code);

/* -- settings ----------------------------------------------------------------- */

typedef enum CrmMatchLink
{
	CRM_MATCH_DEDUPE_ONLY,
	CRM_MATCH_LINK_ONLY,		/* pairs of different sources only */
	CRM_MATCH_LINK_AND_DEDUPE
} CrmMatchLink;

/* A value as it comes; text NULL is null. */
typedef struct CrmMatchText
{
	const char *text;
	size_t		length;
} CrmMatchText;

typedef struct CrmMatchComparison
{
	const CrmMatchKind *kind;
	CrmMatchArg arg;			/* count 0: the kind's own thresholds */
	bool		term_frequency;
	int			column_count;	/* several are joined by CRM_MATCH_SEPARATOR */
	int			column[CRM_MATCH_JOIN_MAX];
} CrmMatchComparison;

/* A blocking rule: records agree on one key of every part. */
typedef struct CrmMatchRule
{
	int			count;
	struct
	{
		int			comparison;
		int			family;
	}			part[CRM_MATCH_PART_MAX];
} CrmMatchRule;

typedef struct CrmMatchSettings
{
	CrmMatchLink link;
	int			column_count;	/* of every record that is added */
	int			comparison_count;
	CrmMatchComparison comparison[CRM_MATCH_COMPARISON_MAX];
	int			rule_count;
	CrmMatchRule rule[CRM_MATCH_RULE_MAX];
	uint32_t	block_cap;		/* larger blocks make no pairs; 0: the default */
	uint64_t	pair_budget;	/* of all rules: the caps of rules are lowered to it; 0: the default */
	uint32_t	random_pairs;	/* for u; 0: the default */
	uint32_t	em_rounds;		/* 0: the default */
	uint64_t	seed;
	double		keep_weight;	/* pairs below are not kept, bits; 0: the default */
} CrmMatchSettings;

/* Defaults in, comparisons and rules empty. */
extern void crm_match_settings_init(CrmMatchSettings *settings);
extern CrmMatchCode crm_match_settings_check(const CrmMatchSettings *settings, CrmMatchFault *fault);

/* All kinds, by name and in order; NULL where there is none. */
extern const CrmMatchKind *crm_match_kind_find(const char *name);
extern const CrmMatchKind *crm_match_kind_at(int number);
extern int	crm_match_kind_levels(const CrmMatchKind *kind);	/* level 0 included */
extern int	crm_match_kind_families(const CrmMatchKind *kind);
/* Whether the kind's last level is a conflict: such pairs never share a cluster. */
extern bool crm_match_kind_conflicts(const CrmMatchKind *kind);

/* -- suggestion --------------------------------------------------------------- */

typedef struct CrmMatchColumn
{
	const char *name;			/* may be empty or mean nothing */
	const char *type;			/* declared type, may be NULL */
} CrmMatchColumn;

/*
 * Comparisons and rules for a table, from names, types and contents of a
 * sample; value[row * column_count + column].  Some thousand rows are enough,
 * taken anywhere; total is the number of rows of the table.
 * why[column], if not NULL, says in a few words what a column was taken for.
 */
extern CrmMatchCode crm_match_suggest(const CrmMatchColumn *column, int column_count,
									  const CrmMatchText *value, size_t rows, uint64_t total,
									  CrmMatchSettings *settings, const char **why,
									  CrmMatchFault *fault);

/* -- one record --------------------------------------------------------------- */

/* Prepared bytes of a record: what the side table stores.  0 when room is short. */
extern size_t crm_match_prepare(const CrmMatchSettings *settings, const CrmMatchText *column,
								unsigned char *out, size_t room);
/* Whether bytes from outside have the form that prepare() gives. */
extern bool crm_match_prepared_valid(const CrmMatchSettings *settings,
									 const unsigned char *prepared, size_t length);
/* One comparison's value within prepared bytes; length 0 where it is missing. */
extern const unsigned char *crm_match_value(const unsigned char *prepared, int comparison, size_t *length);

typedef struct CrmMatchRecordKey
{
	int			rule;
	uint64_t	hash;			/* differs between rules */
} CrmMatchRecordKey;

/* Block keys of a record under all rules, in the order of rules; their number. */
extern int	crm_match_keys(const CrmMatchSettings *settings, const unsigned char *prepared,
						   CrmMatchRecordKey *key, int room);

/* Terms whose frequency counts: one row each in the side table of terms. */
typedef struct CrmMatchTerm
{
	int			comparison;
	int			level;
	uint64_t	hash;
	uint64_t	count;
} CrmMatchTerm;

extern int	crm_match_terms(const CrmMatchSettings *settings, const unsigned char *prepared,
							CrmMatchTerm *term, int room);

/* -- model -------------------------------------------------------------------- */

/*
 * What training fits.  m and u are the chances of a level among matches and
 * among other pairs, where the field is there on both sides.  weight is what
 * the level adds: log2(m/u), bounded.
 */
typedef struct CrmMatchModel
{
	bool		trained;
	int			comparison_count;
	double		prior;			/* that two records taken at random match */
	double		threshold;		/* weight from which a pair counts as a match */
	double		review;			/* from here up to threshold: for a person to judge */
	double		absent;			/* what a pair that was no candidate weighs in a cluster */
	uint64_t	records;		/* trained on; terms are counted against it */
	uint32_t	rule_cap[CRM_MATCH_RULE_MAX];	/* records of the largest block that makes pairs */
	double		m[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];
	double		u[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];
	double		weight[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];
	double		term_share[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];	/* mean frequency, 0: no terms */
	/* Fields that agree together more often than each alone tells: latent classes. */
	int			match_classes;	/* the first ones match */
	int			classes;
	double		share[CRM_MATCH_CLASS_MAX];
	double		chance[CRM_MATCH_CLASS_MAX][CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];
} CrmMatchModel;

/* A model as bytes, with a version in front; 0 when room is short. */
extern size_t crm_match_model_pack(const CrmMatchModel *model, unsigned char *out, size_t room);
extern CrmMatchCode crm_match_model_unpack(const unsigned char *bytes, size_t length, CrmMatchModel *model);
extern size_t crm_match_model_size(void);

/* -- one pair ----------------------------------------------------------------- */

typedef struct CrmMatchStep
{
	int			level;
	double		weight;			/* log2(m/u) of the level, without terms */
	double		term;			/* what the rarity of the value adds */
} CrmMatchStep;

typedef struct CrmMatchScore
{
	double		weight;			/* bits, prior included: 0 is even chances */
	double		probability;
	uint64_t	vector;			/* level of comparison i at bits 4i..4i+3 */
	bool		conflict;
	double		prior;			/* bits */
	double		interplay;		/* what is left: fields that depend on each other */
	CrmMatchStep step[CRM_MATCH_COMPARISON_MAX];
} CrmMatchScore;

static inline int
crm_match_level(uint64_t vector, int comparison)
{
	return (int) (vector >> (4 * comparison) & 15);
}

/* How many of the model's records have the term; 0 for an unknown one. */
typedef uint64_t (*CrmMatchCount) (void *context, int comparison, int level, uint64_t term);

/* weight = prior + sum of steps + interplay.  count may be NULL: no terms. */
extern void crm_match_score(const CrmMatchSettings *settings, const CrmMatchModel *model,
							const unsigned char *a, const unsigned char *b,
							CrmMatchCount count, void *context, CrmMatchScore *score);
extern double crm_match_probability(double weight);

/* -- one record's cluster ------------------------------------------------------ */

typedef struct CrmMatchEdge
{
	uint64_t	cluster;		/* of the candidate */
	double		weight;
	bool		conflict;
} CrmMatchEdge;

/*
 * The cluster that a new record joins, by the average of its weights to all
 * members (a member that was no candidate weighs model->absent); 0 for none.
 * size() is asked once per cluster.  Edges are sorted in place.
 */
extern uint64_t crm_match_join(const CrmMatchModel *model, CrmMatchEdge *edge, size_t edges,
							   uint64_t (*size) (void *context, uint64_t cluster), void *context);

/* -- the batch ----------------------------------------------------------------- */

typedef struct CrmMatchHost
{
	void	   *context;
	bool		(*canceled) (void *context);	/* polled; may be NULL */
	void		(*progress) (void *context, const char *phase, uint64_t done, uint64_t total);
	int			threads;		/* 0 counts as 1 */
	size_t		memory;			/* bytes the engine may take; 0: no bound */
} CrmMatchHost;

typedef struct CrmMatchEngine CrmMatchEngine;

extern CrmMatchEngine *crm_match_create(const CrmMatchSettings *settings, const CrmMatchHost *host,
										CrmMatchFault *fault);
extern void crm_match_destroy(CrmMatchEngine *engine);

/* Records are numbered from 0 in the order of coming; source matters to links. */
extern CrmMatchCode crm_match_add_record(CrmMatchEngine *engine, uint32_t source,
										 const CrmMatchText *column, CrmMatchFault *fault);
extern CrmMatchCode crm_match_add_prepared(CrmMatchEngine *engine, uint32_t source,
										   const unsigned char *prepared, size_t length,
										   CrmMatchFault *fault);
extern uint32_t crm_match_records(const CrmMatchEngine *engine);
extern const unsigned char *crm_match_record(const CrmMatchEngine *engine, uint32_t record, size_t *length);

/* Blocks: made when first needed, or here. */
extern CrmMatchCode crm_match_block(CrmMatchEngine *engine, CrmMatchFault *fault);

typedef struct CrmMatchRuleReport
{
	uint64_t	pairs;			/* made by this rule and by none before; after predict */
	uint64_t	blocks;			/* of two records and more */
	uint64_t	skipped;		/* blocks above the cap */
	uint64_t	skipped_pairs;	/* that they would have made */
	uint32_t	largest;		/* records of the largest block */
} CrmMatchRuleReport;

extern void crm_match_rule_report(const CrmMatchEngine *engine, int rule, CrmMatchRuleReport *report);

/* Training: all steps, or one by one as the tuning functions of SQL do. */
extern CrmMatchCode crm_match_train(CrmMatchEngine *engine, CrmMatchFault *fault);
extern CrmMatchCode crm_match_train_u(CrmMatchEngine *engine, CrmMatchFault *fault);
/* EM over the pairs of one rule, or of all with rule -1. */
extern CrmMatchCode crm_match_train_m(CrmMatchEngine *engine, int rule, CrmMatchFault *fault);
/* Pairs that a person judged. */
typedef struct CrmMatchLabel
{
	uint32_t	left;
	uint32_t	right;
	bool		same;
} CrmMatchLabel;
extern CrmMatchCode crm_match_train_labels(CrmMatchEngine *engine, const CrmMatchLabel *label,
										   size_t labels, CrmMatchFault *fault);

extern const CrmMatchModel *crm_match_model(const CrmMatchEngine *engine);
extern CrmMatchCode crm_match_set_model(CrmMatchEngine *engine, const CrmMatchModel *model, CrmMatchFault *fault);
/* Counts of terms, for the side table: true while there is a next one; *at begins as 0. */
extern bool crm_match_next_term(const CrmMatchEngine *engine, size_t *at, CrmMatchTerm *term);

typedef struct CrmMatchPair
{
	uint32_t	left;			/* smaller number */
	uint32_t	right;
	uint64_t	vector;
	float		weight;
	uint16_t	rule;			/* first rule that made it */
	bool		conflict;
} CrmMatchPair;

/* Pairs of at least keep_weight, ordered by right, then left. */
extern CrmMatchCode crm_match_predict(CrmMatchEngine *engine, CrmMatchFault *fault);
/*
 * The same in parts, in order, so that a host can keep what is finished and go on
 * from there: each part is predicted, or taken over as it was found before.
 */
#define CRM_MATCH_PARTS 16
extern CrmMatchCode crm_match_predict_begin(CrmMatchEngine *engine, CrmMatchFault *fault);
extern int	crm_match_predict_parts(const CrmMatchEngine *engine);
extern CrmMatchCode crm_match_predict_part(CrmMatchEngine *engine, int part, CrmMatchFault *fault);
extern CrmMatchCode crm_match_take_over(CrmMatchEngine *engine, const CrmMatchPair *pair, size_t pairs,
										uint64_t candidates, const uint64_t *by_rule, CrmMatchFault *fault);
extern const CrmMatchPair *crm_match_pairs(const CrmMatchEngine *engine, size_t *count);
extern uint64_t crm_match_candidates(const CrmMatchEngine *engine);	/* scored in all */

/* Counts of distinct vectors among candidates, most frequent first. */
typedef struct CrmMatchVector
{
	uint64_t	vector;
	uint64_t	count;
	double		weight;			/* without terms */
} CrmMatchVector;
extern const CrmMatchVector *crm_match_vectors(const CrmMatchEngine *engine, size_t *count);

typedef enum CrmMatchMethod
{
	CRM_MATCH_AVERAGE_LINKAGE,	/* the default */
	CRM_MATCH_CONNECTED_COMPONENTS,
	CRM_MATCH_BEST_LINK
} CrmMatchMethod;

/* threshold NAN: the model's own.  A cluster is named by its smallest record. */
extern CrmMatchCode crm_match_cluster(CrmMatchEngine *engine, CrmMatchMethod method,
									  double threshold, CrmMatchFault *fault);
extern const uint32_t *crm_match_clusters(const CrmMatchEngine *engine);

#endif							/* CRM_MATCH_ENGINE_CORE_H */
