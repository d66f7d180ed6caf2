/*
 * points_formula_core.h: the small language of point rules, as plain C: text
 * becomes steps, which points_formula.c carries out on a stack.
 *
 *   amount * 0.1                       category not in ('gift', 'deposit')
 *   if(tenure_months > 48, 40, 30)     amount >= 10 and channel = 'app'
 *
 * Numbers, texts in quotes, names of facts; + - * /; = <> < <= > >=; in, not in;
 * and, or, not; if, least, greatest, floor, ceil, round.  Nothing else: no loops,
 * no SQL, no look at anything but the facts.
 */
#ifndef CRM_POINTS_FORMULA_CORE_H
#define CRM_POINTS_FORMULA_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRM_FORMULA_BYTES	2000
#define CRM_FORMULA_STEPS	256
#define CRM_FORMULA_STACK	64		/* values waiting at once */

typedef enum CrmFormulaOp
{
	CRM_FORMULA_NUMBER,			/* at, length: the digits */
	CRM_FORMULA_TEXT,			/* what is between the quotes */
	CRM_FORMULA_NAME,
	CRM_FORMULA_ADD,
	CRM_FORMULA_SUBTRACT,
	CRM_FORMULA_MULTIPLY,
	CRM_FORMULA_DIVIDE,
	CRM_FORMULA_NEGATE,
	CRM_FORMULA_EQ,
	CRM_FORMULA_NE,
	CRM_FORMULA_LT,
	CRM_FORMULA_LE,
	CRM_FORMULA_GT,
	CRM_FORMULA_GE,
	CRM_FORMULA_IN,				/* count: of the list */
	CRM_FORMULA_AND,
	CRM_FORMULA_OR,
	CRM_FORMULA_NOT,
	CRM_FORMULA_IF,
	CRM_FORMULA_LEAST,			/* count: of the arguments */
	CRM_FORMULA_GREATEST,
	CRM_FORMULA_FLOOR,
	CRM_FORMULA_CEIL,
	CRM_FORMULA_ROUND
} CrmFormulaOp;

/* What a part gives; of a name that is known when the facts are. */
typedef enum CrmFormulaKind
{
	CRM_FORMULA_IS_NUMBER = 1,
	CRM_FORMULA_IS_TEXT = 2,
	CRM_FORMULA_IS_TRUTH = 4,
	CRM_FORMULA_IS_ANY = 7
} CrmFormulaKind;

typedef enum CrmFormulaFault
{
	CRM_FORMULA_OK,
	CRM_FORMULA_VALUE_MISSING,
	CRM_FORMULA_CLOSE_MISSING,
	CRM_FORMULA_QUOTE_MISSING,
	CRM_FORMULA_TRAILING,
	CRM_FORMULA_FUNCTION,
	CRM_FORMULA_ARGUMENTS,
	CRM_FORMULA_KIND,
	CRM_FORMULA_TOO_LONG,
	CRM_FORMULA_TOO_DEEP
} CrmFormulaFault;

typedef struct CrmFormulaStep
{
	uint8_t		op;
	uint8_t		count;
	uint16_t	at;
	uint16_t	length;
} CrmFormulaStep;

typedef struct CrmFormula
{
	int			kind;			/* of CrmFormulaKind: what it may give */
	int			count;
	CrmFormulaStep step[CRM_FORMULA_STEPS];
} CrmFormula;

/* at: where in the text the fault was found. */
extern CrmFormulaFault crm_formula_parse(const char *text, size_t length, int wanted, CrmFormula *formula, size_t *at);
extern const char *crm_formula_reason(CrmFormulaFault fault);

#endif
