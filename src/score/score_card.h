/*
 * score_card.h: compiled score models, kept in each backend until a model's rows change.
 */
#ifndef CRM_SCORE_CARD_H
#define CRM_SCORE_CARD_H

#include "crm.h"

#include "score_card_core.h"

#define CRM_MODEL_NAME 96		/* a name, @ and a number, and the end */

/* A card with what its numbers stand for. */
typedef struct CrmCardEntry
{
	char	   *model;
	int32		version;
	uint64		generation;		/* of the rows that it was made of */
	CrmCard		card;
	char	  **input;			/* column or feature of each characteristic */
	struct varlena ***reason;	/* reason code of each bin of each characteristic, padded to a multiple of 4 bytes */
} CrmCardEntry;

/*
 * Moves when the rows of any model changed.  Who keeps an entry keeps its generation
 * beside it, and looks it up again, without touching it, once the two differ.
 */
extern uint64 crm_card_generation;

/*
 * By "name" (the active version, else the latest that is not retired) or
 * "name@version".  Raises when there is none, or when its bins leave a gap.
 */
extern const CrmCardEntry *crm_card_lookup(const char *model, size_t length);

#endif
