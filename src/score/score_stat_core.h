/*
 * score_stat_core.h: how well a score tells events from non-events, and how far two
 * distributions are apart.
 */
#ifndef CRM_SCORE_STAT_CORE_H
#define CRM_SCORE_STAT_CORE_H

#include <stddef.h>
#include <stdint.h>

/* A number as bits in the same order; 0 and -0 are the same; not for NaN. */
extern uint64_t crm_score_key(double value);
extern double crm_score_value(uint64_t key);
/* Ascending; spare has room for as many. */
extern void crm_score_sort(uint64_t *keys, uint64_t *spare, size_t n);

/* Of sorted keys; both counts above 0. Ties count one half. */
extern double crm_score_auc(const uint64_t *events, size_t m, const uint64_t *others, size_t n);
extern double crm_score_ks(const uint64_t *events, size_t m, const uint64_t *others, size_t n);

/* ln(share of events / share of non-events); an empty cell counts one half. */
extern double crm_score_woe(double events, double others, double all_events, double all_others);
/* The bin's part of the information value. */
extern double crm_score_iv(double events, double others, double all_events, double all_others);
/* The bin's part of the stability index; shares below 0.0001 count as that. */
extern double crm_score_psi(double expected, double actual);

#endif
