/*
 * ident_division_core.h: the rows of the division table, for the address parser.
 */
#ifndef CRM_IDENT_DIVISION_CORE_H
#define CRM_IDENT_DIVISION_CORE_H

#include "ident_core.h"

typedef struct DivisionRow
{
	int32_t		code;
	int32_t		successor;		/* 0 when none is known or none is needed */
	uint32_t	name;			/* where it stands in the pool */
	int16_t		first;			/* first year in force, 0 when unknown */
	int16_t		last;			/* last year in force, negative: at the latest, 0 while it is */
	uint8_t		stem;			/* bytes of the name that stand alone */
} DivisionRow;

extern int	crm_division_row(int32_t code);
extern const DivisionRow *crm_division_row_at(int index);
extern const char *crm_division_row_name(int index);
extern bool crm_division_row_old(int index);
extern int	crm_division_name_from(const char *text, size_t length);
extern int	crm_division_by_name(int place);
extern size_t crm_township_match(int32_t county, const char *text, size_t length);
extern int	crm_latin_address(const char *text, size_t length, int32_t *codes, size_t *detail);
extern void crm_division_children(int32_t first, int32_t last, int *low, int *high);

#endif
