/*
 * points.h: room points inside the server: the ledger as a datum.
 *
 * A datum is a varlena of STORAGE plain, so it is never toasted: its length, in
 * one byte where that is enough and else in four, then the bytes that
 * points_core.h describes.  The server shortens no header of a plain type, but
 * keeps one that is short, so that we make it so.
 */
#ifndef CRM_POINTS_H
#define CRM_POINTS_H

#include "crm.h"

#include "points_core.h"

/* Raises 22P02, 22003 or 54000 when there is a fault. */
extern void crm_points_check(CrmLedgerFault fault);
extern void crm_points_check_fits(bool fits);

extern void crm_points_unpack(Datum datum, CrmLedger *ledger);
extern Datum crm_points_pack(const CrmLedger *ledger);

#define GETARG_LEDGER(n, ledger) crm_points_unpack(PG_GETARG_DATUM(n), ledger)

#endif
