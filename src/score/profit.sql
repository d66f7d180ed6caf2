-- profit: what a customer brings after what he costs.

CREATE FUNCTION crm.record_cost(customer crm.customer_code, cost_kind text, incurred_on date, amount numeric, source text, reference text, currency text DEFAULT 'CNY') RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM crm.score_require('value');
    INSERT INTO crm_data.customer_cost (customer_code, cost_kind, incurred_on, amount, currency, source, reference)
    VALUES (customer, cost_kind, incurred_on, amount, currency, source, reference) RETURNING cost_no INTO made;
    RETURN made;
END
$$;
ALTER FUNCTION crm.record_cost(crm.customer_code, text, date, numeric, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_cost(crm.customer_code, text, date, numeric, text, text, text) IS
$$Record what a customer cost: product_cost, service_cost, investment or bad_debt; a negative amount takes back (登记客户成本).
source and reference are those of the books that it comes from; the same twice is refused. Errors: 23505, 23514, 23503, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.record_cost(crm.customer_code, text, date, numeric, text, text, text) FROM PUBLIC; -- writes costs
GRANT EXECUTE ON FUNCTION crm.record_cost(crm.customer_code, text, date, numeric, text, text, text) TO crm_data_admin;

CREATE FUNCTION crm.customer_profit(from_on date, until_on date, currency text DEFAULT 'CNY')
    RETURNS TABLE (customer_code crm.customer_code, revenue numeric, product_cost numeric, service_cost numeric, investment numeric, bad_debt numeric, contribution numeric, class text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 10000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_require('value');
    SELECT p.customer_code, p.revenue, p.product_cost, p.service_cost, p.investment, p.bad_debt, p.contribution,
           crm.abc_class(CASE WHEN p.contribution > 0 THEN ((sum(greatest(p.contribution, 0)) OVER (ORDER BY p.contribution DESC, p.customer_code) - p.contribution)
                                                           / sum(greatest(p.contribution, 0)) OVER ()) ELSE 1 END)
      FROM (SELECT s.*, s.revenue - s.product_cost - s.service_cost - s.investment - s.bad_debt AS contribution
              FROM (SELECT c.survivor_code AS customer_code, coalesce(sum(x.amount) FILTER (WHERE x.kind = 'revenue'), 0) AS revenue,
                           coalesce(sum(x.amount) FILTER (WHERE x.kind = 'product_cost'), 0) AS product_cost, coalesce(sum(x.amount) FILTER (WHERE x.kind = 'service_cost'), 0) AS service_cost,
                           coalesce(sum(x.amount) FILTER (WHERE x.kind = 'investment'), 0) AS investment, coalesce(sum(x.amount) FILTER (WHERE x.kind = 'bad_debt'), 0) AS bad_debt
                      FROM (SELECT b.customer_code, 'revenue' AS kind, b.amount FROM crm_data.purchase b
                             WHERE b.purchased_on BETWEEN from_on AND until_on AND b.currency = customer_profit.currency
                            UNION ALL
                            SELECT k.customer_code, k.cost_kind, k.amount FROM crm_data.customer_cost k
                             WHERE k.incurred_on BETWEEN from_on AND until_on AND k.currency = customer_profit.currency) x
                      JOIN crm_data.customer c ON c.customer_code = x.customer_code GROUP BY c.survivor_code) s) p $$;
ALTER FUNCTION crm.customer_profit(date, date, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.customer_profit(date, date, text) IS
$$What each customer brought in a period, both days included, in one currency: revenue less costs of products and service, investments and bad debts; and his class of contribution, A, B or C (客户利润贡献).
Amounts in other currencies are not converted and not in it. What merged records paid and cost is the survivor's. Who brings no profit is C. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.customer_profit(date, date, text) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.customer_profit(date, date, text) TO crm_data_admin;

CREATE FUNCTION crm.partner_evaluation(customer crm.customer_code, as_of date DEFAULT crm.company_today(), model text DEFAULT 'partner')
    RETURNS TABLE (criterion text, label text, weight smallint, judged jsonb, points integer, evaluator name, evidence text, valid_from date, valid_until date)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 11 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_active(model);
    SELECT c.characteristic, CASE crm.lang() WHEN 'zh' THEN c.label_zh ELSE c.label_en END, c.weight, j.value,
           s.points[row_number() OVER (ORDER BY c.position)], j.assessed_by, j.evidence, j.valid_from, j.valid_until
      FROM crm_data.score_model m
      JOIN crm_data.score_characteristic c ON c.model = m.model AND c.version = m.version
      LEFT JOIN LATERAL (SELECT v.value, v.assessed_by, v.evidence, v.valid_from, v.valid_until FROM crm_data.score_judgement v
                          WHERE v.customer_code = ANY (crm.merge_members(coalesce(crm.resolve(customer), customer))) AND v.input = c.input
                            AND as_of BETWEEN v.valid_from AND v.valid_until AND v.domain <> 'credit' ORDER BY v.judgement_no DESC LIMIT 1) j ON true
     CROSS JOIN LATERAL crm.score_inputs(m.model || '@' || m.version, (
            SELECT coalesce(jsonb_object_agg(y.input, y.value), '{}') FROM (SELECT DISTINCT ON (v.input) v.input, v.value FROM crm_data.score_judgement v
             WHERE v.customer_code = ANY (crm.merge_members(coalesce(crm.resolve(customer), customer))) AND as_of BETWEEN v.valid_from AND v.valid_until AND v.domain <> 'credit'
             ORDER BY v.input, v.judgement_no DESC) y)) s
     WHERE m.model = partner_evaluation.model AND m.state = 'active'
     ORDER BY c.position $$;
ALTER FUNCTION crm.partner_evaluation(crm.customer_code, date, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.partner_evaluation(crm.customer_code, date, text) IS
$$How a trade partner stands by the criteria of the active version of a model of judgements: weight, what was judged, points, who judged it, from what evidence, for which period (合作伙伴评价明细).
What nobody judged has nulls. Errors: 42704 no active version, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.partner_evaluation(crm.customer_code, date, text) FROM PUBLIC; -- reads judgements
GRANT EXECUTE ON FUNCTION crm.partner_evaluation(crm.customer_code, date, text) TO crm_data_admin;
