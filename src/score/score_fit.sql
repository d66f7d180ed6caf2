-- score_fit: fitting and statistics: aggregates that return a model, and what follows from it.

-- -- logistic regression ----------------------------------------------------------------------

CREATE TYPE crm.logistic_model AS (
    coefficients    float8[],
    standard_errors float8[],
    log_likelihood  float8,
    iterations      integer,
    converged       boolean
);
COMMENT ON TYPE crm.logistic_model IS
$$A logistic regression: ln odds of y = coefficients[1] + coefficients[2] x[1] + … (逻辑回归模型).
Coefficients are for one unit of their column; standard errors from the inverse of the information matrix at the maximum.$$;

CREATE FUNCTION crm.logistic_regression_step(internal, boolean, float8[]) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_step(internal, boolean, float8[]) IS 'Takes a row into crm.logistic_regression (聚合步骤).';
CREATE FUNCTION crm.logistic_regression_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.logistic_regression_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.logistic_regression_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.logistic_regression_final(internal) RETURNS crm.logistic_model
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_final(internal) IS 'The maximum of the likelihood by Newton''s method (牛顿法).';
CREATE AGGREGATE crm.logistic_regression(y boolean, x float8[]) (
    SFUNC = crm.logistic_regression_step, STYPE = internal, FINALFUNC = crm.logistic_regression_final,
    COMBINEFUNC = crm.logistic_regression_combine, SERIALFUNC = crm.logistic_regression_serialize,
    DESERIALFUNC = crm.logistic_regression_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.logistic_regression(boolean, float8[]) IS
$$Logistic regression by maximum likelihood, coefficients with the intercept first (逻辑回归).
Rows in which y or x is null are passed over; without rows the result is null. A null, NaN or infinity inside x, or arrays of different lengths, are errors (22004, 22023, 2202E). One outcome only, a constant column, a column that others tell, and separation, where no finite estimate exists, are errors 22023 whose DETAIL names the column. Holds the rows in memory: 53400 beyond crm.score_fit_memory; at most 500 columns (54000). Source: McCullagh and Nelder, Generalized Linear Models, chapter 4.$$;

-- -- how well a score separates -----------------------------------------------------------------

CREATE FUNCTION crm.score_keys_step(internal, boolean, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_score_keys_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_step(internal, boolean, float8) IS 'Takes a row into crm.roc_auc or crm.ks_statistic (聚合步骤).';
CREATE FUNCTION crm.score_keys_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_score_keys_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.score_keys_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_score_keys_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.score_keys_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_score_keys_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.roc_auc_final(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_roc_auc_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.roc_auc_final(internal) IS 'The area from the ranks (曲线下面积).';
CREATE FUNCTION crm.ks_statistic_final(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_ks_statistic_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.ks_statistic_final(internal) IS 'The largest distance (最大距离).';
CREATE AGGREGATE crm.roc_auc(y boolean, score float8) (
    SFUNC = crm.score_keys_step, STYPE = internal, FINALFUNC = crm.roc_auc_final,
    COMBINEFUNC = crm.score_keys_combine, SERIALFUNC = crm.score_keys_serialize,
    DESERIALFUNC = crm.score_keys_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.roc_auc(boolean, float8) IS
$$Area under the ROC curve: the chance that a row with the event has a higher score than one without, ties counting one half (ROC 曲线下面积).
Exact. Where high scores mean few events, give -score. Rows with a null are passed over; null when there are not both outcomes. Errors: 22023 NaN, 53400 beyond crm.score_fit_memory. Source: Hanley and McNeil (1982).$$;
CREATE AGGREGATE crm.ks_statistic(y boolean, score float8) (
    SFUNC = crm.score_keys_step, STYPE = internal, FINALFUNC = crm.ks_statistic_final,
    COMBINEFUNC = crm.score_keys_combine, SERIALFUNC = crm.score_keys_serialize,
    DESERIALFUNC = crm.score_keys_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.ks_statistic(boolean, float8) IS
$$Kolmogorov-Smirnov statistic: the largest distance between the distributions of the score with and without the event, 0 to 1 (KS 值).
Rows with a null are passed over; null when there are not both outcomes. Errors: 22023 NaN, 53400.$$;

CREATE FUNCTION crm.information_value_step(internal, boolean, text) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_information_value_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_step(internal, boolean, text) IS 'Takes a row into crm.information_value (聚合步骤).';
CREATE FUNCTION crm.information_value_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_information_value_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.information_value_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_information_value_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.information_value_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_information_value_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.information_value_final(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_information_value_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_final(internal) IS 'The sum over the bins (各分箱之和).';
CREATE AGGREGATE crm.information_value(y boolean, bin text) (
    SFUNC = crm.information_value_step, STYPE = internal, FINALFUNC = crm.information_value_final,
    COMBINEFUNC = crm.information_value_combine, SERIALFUNC = crm.information_value_serialize,
    DESERIALFUNC = crm.information_value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.information_value(boolean, text) IS
$$Information value of a binned characteristic: sum of (share of events - share of non-events) × ln of their ratio (信息值).
Below 0.02 useless, 0.1 to 0.3 medium, above 0.5 suspicious. A null bin is a bin of its own; a null y is passed over; in the logarithm of a bin with an empty cell both cells count one half more. Null when there are not both outcomes. Error: 53400. Source: Siddiqi, Credit Risk Scorecards (2006), chapter 6.$$;

CREATE FUNCTION crm.population_stability_index(expected float8[], actual float8[]) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_population_stability_index' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.population_stability_index(float8[], float8[]) IS
$$Population stability index of two distributions over the same bins: sum of (actual - expected) × ln(actual / expected) (群体稳定性指标).
Shares or counts; each side is divided by its sum; a share below 0.0001 counts as that. Below 0.10 stable, 0.10 to 0.25 watch, above 0.25 act. Errors: 2202E different lengths, 22004 null, 22023 negative, NaN or no sum above 0. Source: Siddiqi (2006), chapter 8.$$;

-- -- purchases to expect --------------------------------------------------------------------------

CREATE TYPE crm.bgnbd_model AS (
    r              float8,
    alpha          float8,
    a              float8,
    b              float8,
    log_likelihood float8,
    iterations     integer,
    converged      boolean
);
COMMENT ON TYPE crm.bgnbd_model IS
$$BG/NBD: purchases come at a gamma distributed rate (shape r, rate alpha), after each a customer leaves with a beta distributed chance (a, b) (购买频次模型).
alpha is in the unit of time of the data. Source: Fader, Hardie and Lee (2005).$$;
CREATE TYPE crm.gamma_gamma_model AS (
    p              float8,
    q              float8,
    v              float8,
    log_likelihood float8,
    iterations     integer,
    converged      boolean
);
COMMENT ON TYPE crm.gamma_gamma_model IS
$$Gamma-gamma: values of purchases vary about a customer's mean by a gamma distribution of shape p, the means' rates among customers by one of shape q and rate v (购买金额模型).
v is in the unit of money of the data. Source: Fader and Hardie (2013).$$;

CREATE FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_bgnbd_fit_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8) IS 'Takes a customer into crm.bgnbd_fit (聚合步骤).';
CREATE FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_bgnbd_fit_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8, float8) IS 'Takes customers of one history into crm.bgnbd_fit (聚合步骤).';
CREATE FUNCTION crm.gamma_gamma_fit_step(internal, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_gamma_gamma_fit_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.gamma_gamma_fit_step(internal, float8, float8) IS 'Takes a customer into crm.gamma_gamma_fit (聚合步骤).';
CREATE FUNCTION crm.value_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_value_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.value_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.value_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_value_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.value_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.value_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_value_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.value_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.bgnbd_fit_final(internal) RETURNS crm.bgnbd_model
    AS 'MODULE_PATHNAME', 'crm_bgnbd_fit_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_fit_final(internal) IS 'The maximum of the likelihood (极大似然).';
CREATE FUNCTION crm.gamma_gamma_fit_final(internal) RETURNS crm.gamma_gamma_model
    AS 'MODULE_PATHNAME', 'crm_gamma_gamma_fit_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.gamma_gamma_fit_final(internal) IS 'The maximum of the likelihood (极大似然).';

CREATE AGGREGATE crm.bgnbd_fit(x float8, t_x float8, t float8) (
    SFUNC = crm.bgnbd_fit_step, STYPE = internal, FINALFUNC = crm.bgnbd_fit_final, COMBINEFUNC = crm.value_combine,
    SERIALFUNC = crm.value_serialize, DESERIALFUNC = crm.value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.bgnbd_fit(float8, float8, float8) IS
$$Fits the BG/NBD model of repeat purchases (购买频次模型拟合).
One row a customer: x repeat purchases (a whole number), t_x the time from the first purchase to the last (0 without a repeat), t the time from the first purchase to the end; t_x and t in one unit. Rows with a null are passed over; without rows the result is null. converged is false where the data determine no finite parameters. Errors: 22023 for what is no history, and where no customer bought again or all are alike; 53400 beyond crm.score_fit_memory. Source: Fader, Hardie and Lee (2005), Marketing Science 24(2).$$;
CREATE AGGREGATE crm.bgnbd_fit(x float8, t_x float8, t float8, weight float8) (
    SFUNC = crm.bgnbd_fit_step, STYPE = internal, FINALFUNC = crm.bgnbd_fit_final, COMBINEFUNC = crm.value_combine,
    SERIALFUNC = crm.value_serialize, DESERIALFUNC = crm.value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.bgnbd_fit(float8, float8, float8, float8) IS
$$Fits the BG/NBD model where a row stands for so many customers of one history (购买频次模型拟合, 加权).
Otherwise as crm.bgnbd_fit(x, t_x, t).$$;
CREATE AGGREGATE crm.gamma_gamma_fit(x float8, mean_value float8) (
    SFUNC = crm.gamma_gamma_fit_step, STYPE = internal, FINALFUNC = crm.gamma_gamma_fit_final, COMBINEFUNC = crm.value_combine,
    SERIALFUNC = crm.value_serialize, DESERIALFUNC = crm.value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gamma_gamma_fit(float8, float8) IS
$$Fits the gamma-gamma model of the value of purchases (购买金额模型拟合).
One row a customer: x repeat purchases, mean_value their mean. Customers without repeat purchases and rows with a null are passed over; without rows the result is null. Errors: 22023 for a mean value that is not above 0, and where all customers are alike; 53400. Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value.$$;

CREATE FUNCTION crm.bgnbd_p_alive(x float8, t_x float8, t float8, r float8, alpha float8, a float8, b float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_bgnbd_p_alive_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_p_alive(float8, float8, float8, float8, float8, float8, float8) IS
$$Probability that a customer with this history has not left (存活概率).
1 without repeat purchases, as the model has it: customers leave after purchases only. Error: 22023. Source: Fader and Hardie (2008).$$;
CREATE FUNCTION crm.bgnbd_expected_transactions(x float8, t_x float8, t float8, horizon float8, r float8, alpha float8, a float8, b float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_bgnbd_expected_transactions' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_expected_transactions(float8, float8, float8, float8, float8, float8, float8, float8) IS
$$Purchases to expect of a customer with this history in the time to come (预期购买次数).
horizon is in the unit of t. Error: 22023, also for a horizon beyond 10000 times alpha + t. Source: Fader, Hardie and Lee (2005), equation 10.$$;
CREATE FUNCTION crm.bgnbd_expected_transactions(horizon float8, r float8, alpha float8, a float8, b float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_bgnbd_expected_new' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_expected_transactions(float8, float8, float8, float8, float8) IS
$$Repeat purchases to expect of a customer at his first purchase (新客户预期购买次数).
Error: 22023. Source: Fader, Hardie and Lee (2005), equation 9.$$;
CREATE FUNCTION crm.gamma_gamma_expected_value(x float8, mean_value float8, p float8, q float8, v float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_gamma_gamma_expected_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.gamma_gamma_expected_value(float8, float8, float8, float8, float8) IS
$$Mean value of the purchases to expect: between the customer's own mean and that of all (预期购买金额).
Without repeat purchases, x = 0, that of all. Errors: 22023; 22003 where the model has no mean. Source: Fader and Hardie (2013), equation 5.$$;
CREATE FUNCTION crm.customer_lifetime_value(x float8, t_x float8, t float8, mean_value float8,
        periods integer, period_length float8, discount_rate float8, margin float8,
        r float8, alpha float8, a float8, b float8, p float8, q float8, v float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_customer_lifetime_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_lifetime_value(float8, float8, float8, float8, integer, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8) IS
$$Residual lifetime value: over the periods to come, purchases to expect × their value × margin, discounted from each period's end (客户终身价值).
period_length in the unit of t; discount_rate for one period; margin is the share of a purchase that is profit. What a customer has bought so far is not in it. Errors: 22023, 22003. Source: Fader, Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42(4).$$;
CREATE FUNCTION crm.customer_lifetime_value(x float8, t_x float8, t float8, mean_value float8,
        periods integer, period_length float8, discount_rate float8, margin float8,
        purchases crm.bgnbd_model, amounts crm.gamma_gamma_model) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS 'SELECT crm.customer_lifetime_value(x, t_x, t, mean_value, periods, period_length, discount_rate, margin,
                                       (purchases).r, (purchases).alpha, (purchases).a, (purchases).b, (amounts).p, (amounts).q, (amounts).v)';
COMMENT ON FUNCTION crm.customer_lifetime_value(float8, float8, float8, float8, integer, float8, float8, float8, crm.bgnbd_model, crm.gamma_gamma_model) IS
$$Residual lifetime value by two fitted models as bgnbd_fit and gamma_gamma_fit return them (客户终身价值).
Otherwise as with the parameters one by one.$$;
