/*
 * score_card_core.h: a scorecard in the form in which it is applied: for each
 * characteristic the edges of its bins or its lists of values, and the points.
 *
 * Built once from rows (crm_card_add, crm_card_bin, crm_card_seal), then only read.
 * Everything lies in the memory that the caller's allocator gives.
 */
#ifndef CRM_SCORE_CARD_CORE_H
#define CRM_SCORE_CARD_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRM_CARD_CHARACTERISTICS	256
#define CRM_CARD_BINS				1024	/* of one characteristic, and values of one */
#define CRM_CARD_REASONS			4
#define CRM_CARD_POINTS				1000000	/* of one bin, either way */

typedef enum CrmCardFault
{
	CRM_CARD_OK,
	CRM_CARD_EMPTY,
	CRM_CARD_TOO_MANY,
	CRM_CARD_NO_BINS,
	CRM_CARD_KIND,
	CRM_CARD_NOT_FROM_BELOW,
	CRM_CARD_GAP,
	CRM_CARD_NOT_TO_ABOVE,
	CRM_CARD_TWICE,
	CRM_CARD_VALUE_TWICE,
	CRM_CARD_POINTS_RANGE,
	CRM_CARD_MEMORY
} CrmCardFault;

typedef enum CrmBinKind
{
	CRM_BIN_RANGE,
	CRM_BIN_VALUES,
	CRM_BIN_MISSING,
	CRM_BIN_OTHER
} CrmBinKind;

typedef void *(*CrmCardAlloc) (void *where, size_t size);

typedef struct CrmCardValue
{
	const char *text;
	uint32_t	length;
	uint32_t	hash;
	int32_t		bin;
} CrmCardValue;

typedef struct CrmCardCharacteristic
{
	bool		is_category;
	int32_t		weight;
	int32_t		reference;		/* points from which a loss is counted */
	bool		has_reference;
	int32_t		bin_count;
	int32_t		missing;		/* bins of these, always set once sealed */
	int32_t		other;
	/* numeric: inner edges, padded with NaN to a multiple of 8; bin = edges at or below */
	double	   *edge;
	int32_t		edge_blocks;
	int32_t	   *range_bin;
	int32_t		range_count;
	/* category: open addressing, a power of two, never full */
	CrmCardValue *value;
	uint32_t	value_mask;
	int32_t		value_count;
	int32_t	   *points;			/* of each bin, weighted */
	double		upper;			/* while it is built: end of the last range */
	bool		closed;
} CrmCardCharacteristic;

typedef struct CrmCard
{
	int32_t		count;
	int32_t		base;
	CrmCardCharacteristic *item;
	int64_t		lowest;			/* least and most total that can be had */
	int64_t		highest;
	CrmCardAlloc alloc;
	void	   *where;
} CrmCard;

/* One customer's value of a characteristic: a number, or a text that may be NULL. */
typedef struct CrmScoreInput
{
	double		number;			/* NaN: missing */
	const char *text;			/* NULL: missing */
	uint32_t	length;
} CrmScoreInput;

typedef struct CrmScored
{
	int32_t		total;
	int32_t		reason_count;
	int32_t		reason[CRM_CARD_REASONS];	/* characteristics, most points lost first */
	int32_t	   *points;			/* of each characteristic */
	int32_t	   *bin;			/* chosen for each characteristic */
} CrmScored;

extern CrmCardFault crm_card_begin(CrmCard *card, int32_t count, int32_t base, CrmCardAlloc alloc, void *where);
extern CrmCardFault crm_card_characteristic(CrmCard *card, int32_t at, bool is_category, int32_t weight,
											const int32_t *reference, int32_t bins);
/* Bins come in order; a bin of values is followed by its values. */
extern CrmCardFault crm_card_bin(CrmCard *card, int32_t at, CrmBinKind kind, double lower, double upper, int32_t points);
extern CrmCardFault crm_card_value(CrmCard *card, int32_t at, const char *text, size_t length);
extern CrmCardFault crm_card_seal(CrmCard *card, int32_t *at);
extern void crm_card_score(const CrmCard *card, const CrmScoreInput *input, CrmScored *scored);
extern const char *crm_card_reason(CrmCardFault fault);

#endif
