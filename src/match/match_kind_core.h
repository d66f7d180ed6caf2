/*
 * match_kind_core.h: what a comparison of room match is.
 *
 * A kind knows one sort of column (a Chinese person's name, a telephone, a
 * date).  Its work on text is done once per record: prepare() folds and parses
 * the text into a few packed bytes.  Everything that runs per pair reads these
 * bytes only.  All of it is pure C without state, so that threads may run it.
 *
 * Levels are ordered as Fellegi and Sunter's agreement vector has them: level
 * 0 says "no evidence" (a side is missing), level 1 is the strongest agreement,
 * the last level is disagreement.  A kind may have a level for a conflict that
 * speaks against a match more than mere difference does: it stands last.
 */
#ifndef CRM_MATCH_KIND_CORE_H
#define CRM_MATCH_KIND_CORE_H

#include <stddef.h>
#include <stdint.h>

/* A prepared value never needs more; longer text is cut before it is parsed. */
#define CRM_MATCH_VALUE_MAX	1024
#define CRM_MATCH_LEVEL_MAX	16
#define CRM_MATCH_KEY_MAX	16		/* block keys that one value may give */

/* Thresholds of the kinds that have them, in the order of their levels. */
typedef struct CrmMatchArg
{
	int			count;
	double		threshold[CRM_MATCH_LEVEL_MAX];
} CrmMatchArg;

/* A block key: which of the kind's key families, and the 64-bit hash. */
typedef struct CrmMatchKey
{
	int			family;
	uint64_t	hash;
} CrmMatchKey;

typedef struct CrmMatchKind
{
	const char *name;			/* as settings name it: cn_name */
	const char *const *level;	/* names of the levels, level 0 first; NULL ends */
	const char *const *family;	/* names of the key families; NULL ends */

	/* Bytes written to out, 0 for a missing or meaningless value. */
	size_t		(*prepare) (const CrmMatchArg *arg, const char *text,
							size_t length, unsigned char *out, size_t room);
	/* Both sides are there. */
	int			(*compare) (const CrmMatchArg *arg,
							const unsigned char *a, size_t a_length,
							const unsigned char *b, size_t b_length);
	/* What term frequency is counted on at this level; 0 where it has none. */
	uint64_t	(*term) (const unsigned char *value, size_t length, int level);
	/* Block keys, strongest families first; their number. */
	int			(*keys) (const unsigned char *value, size_t length,
						 CrmMatchKey *key, int room);
} CrmMatchKind;

#endif							/* CRM_MATCH_KIND_CORE_H */
