# Proves: when sessions do the same thing at the same instant, round after round, what they
# are told and what the books hold is what some order of theirs gives: of two redemptions of
# the whole balance one goes through, two reversals give back once, a hold is captured or
# released, a request of eight sessions is posted once, stock and budget never go below
# nothing, a limit of once a month holds, an element that two sessions deliver is there once and gives once, transfers against one another neither lose points nor wait in a circle; merges among
# all that move what is there. In each isolation level; no level shows newer data silently.
# And the accrual of a month that is killed again and again gives everything once.
# A thousand rounds of each race of the ledger itself, forty of the others. CRM_POINTS_RACES: so many of each.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $rounds = $ENV{CRM_POINTS_RACES} // 40;
my %rounds = map { $_ => $ENV{CRM_POINTS_RACES} // 1000 } 'whole', 'reversal', 'hold and reverse', 'same', 'expire', 'to and fro', 'first';
my $node = server('races', conf => [ 'deadlock_timeout = 200ms', 'synchronous_commit = off' ]);
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', <<'SQL');
CREATE UNLOGGED TABLE arrived (race text, round int, who int, PRIMARY KEY (race, round, who));
CREATE UNLOGGED TABLE told (race text, round int, who int, status text, available bigint);

-- Customer a and b of a race's round.
CREATE FUNCTION who(race text, round int, n int) RETURNS crm.customer_code LANGUAGE sql IMMUTABLE AS
$$ SELECT crm.customer_code('2026-01-01'::date + abs(hashtext(race)) % 20000, 10 * round + n) $$;

CREATE FUNCTION prepare(race text, round int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a crm.customer_code := who(race, round, 1);
    b crm.customer_code := who(race, round, 2);
BEGIN
    IF race NOT IN ('first', 'same', 'budget', 'element', 'promise', 'due') THEN
        PERFORM crm.points_earn(a, 'main', 'start', 100, CASE WHEN race = 'expire' THEN '2026-05-31' ELSE '2028-12-31' END::date, business_date => '2026-05-01');
        PERFORM crm.points_earn(b, 'main', 'start', 100, '2027-12-31', business_date => '2026-05-01');
    END IF;
    IF race = 'limit' THEN
        PERFORM crm.points_earn(a, 'limited', 'start in it', 100, '2028-12-31', business_date => '2026-05-01');
    ELSIF race = 'due' THEN
        PERFORM crm.points_promise(a, 'promised', 'one', 10, '2026-05-02'::date + round, business_date => '2026-05-01');
    ELSIF race LIKE 'reversal%' THEN
        PERFORM crm.points_redeem(a, 'main', 'trip', 70, '2026-05-01');
    ELSIF race LIKE 'hold%' THEN
        PERFORM crm.points_freeze(a, 'main', 'order', 30, '2026-05-01');
        PERFORM crm.points_capture(a, 'main', 'part', 'order', 10, '2026-05-01');
    ELSIF race = 'stock' THEN
        PERFORM crm.define_points_reward('cup ' || round, 'main', '杯', 'cup', 5, valid_from => '2026-01-01'), crm.points_stock('cup ' || round, 3);
        FOR n IN 1 .. 8 LOOP
            PERFORM crm.points_earn(who(race, round, n), 'main', 'more', 100, '2028-12-31', business_date => '2026-05-01');
        END LOOP;
    ELSIF race = 'budget' THEN
        PERFORM crm.open_points_gift_batch('batch ' || round, 'main', 'gift', 'x', 100, '2026-12-31', '2026-01-01');
        UPDATE crm_data.points_gift_batch SET approved_by = 'somebody else' WHERE batch = 'batch ' || round;
    END IF;
END $$;

CREATE FUNCTION act(race text, round int, who int) RETURNS crm.points_answer LANGUAGE plpgsql AS $$
DECLARE
    a crm.customer_code := who(race, round, 1);
    b crm.customer_code := who(race, round, 2);
    today date := '2026-05-02';
    answer crm.points_answer;
BEGIN
    CASE
        WHEN race LIKE 'whole%' THEN RETURN crm.points_redeem(a, 'main', 'mine ' || who, 100, today);
        WHEN race LIKE 'reversal%' THEN RETURN crm.points_reverse(a, 'main', 'mine ' || who, 'trip', NULL, today);
        WHEN race = 'hold' AND who = 1 THEN RETURN crm.points_capture(a, 'main', 'mine', 'order', NULL, today);
        WHEN race = 'hold' THEN RETURN crm.points_unfreeze(a, 'main', 'thine', 'order', NULL, today);
        WHEN race = 'hold and reverse' AND who = 1 THEN RETURN crm.points_capture(a, 'main', 'mine', 'order', NULL, today);
        WHEN race = 'hold and reverse' THEN RETURN crm.points_reverse(a, 'main', 'thine', 'part', NULL, today);
        WHEN race = 'same' THEN RETURN crm.points_earn(a, 'main', 'one', 10, '2028-12-31', business_date => today);
        WHEN race = 'first' THEN RETURN crm.points_earn(a, 'main', 'mine ' || who, 10, '2028-12-31', business_date => today);
        WHEN race = 'expire' AND who = 1 THEN RETURN crm.points_redeem(a, 'main', 'mine', 60, '2026-05-31');
        WHEN race = 'expire' THEN PERFORM crm.points_expire_account(a, 'main', '2026-06-01'); RETURN ROW('ok', 0, 0, 0, '{}')::crm.points_answer;
        WHEN race = 'to and fro' AND who % 2 = 1 THEN RETURN crm.points_transfer(a, b, 'main', 'mine ' || who, 7, today);
        WHEN race = 'to and fro' THEN RETURN crm.points_transfer(b, a, 'main', 'mine ' || who, 11, today);
        WHEN race = 'stock' THEN RETURN crm.redeem_reward(who(race, round, who), 'mine', 'cup ' || round, 1, 0, today);
        WHEN race = 'limit' THEN
            -- Rules bind who may write; a superuser they do not.
            SET LOCAL ROLE crm_writer;
            answer := crm.points_redeem(a, 'limited', 'mine ' || who, 10, today);
            RESET ROLE;
            RETURN answer;
        WHEN race = 'element' THEN RETURN ROW(CASE WHEN crm.record_points_element(a, 'bill', 'one ' || round, today, 12.50) THEN 'ok' ELSE 'known' END, 0, 0, 0, '{}')::crm.points_answer;
        WHEN race = 'promise' THEN RETURN crm.points_promise(a, 'promised', 'one', 10, '2026-05-03', business_date => today);
        WHEN race = 'due' AND who = 1 THEN RETURN crm.cancel_points_promise(a, 'mine', 'one', today);
        WHEN race = 'due' THEN PERFORM crm.points_release_batch(today + round, 1000); RETURN ROW('ok', 0, 0, 0, '{}')::crm.points_answer;
        WHEN race = 'budget' THEN RETURN crm.give_points(who(race, round, who), 'mine', 'batch ' || round, 40, today);
        WHEN race = 'merge' AND who = 1 THEN PERFORM crm.points_merge_move(a, b, format('m %s', round), today); RETURN ROW('ok', 0, 0, 0, '{}')::crm.points_answer;
        WHEN race = 'merge' AND who = 2 THEN PERFORM crm.points_merge_move(b, a, format('n %s', round), today); RETURN ROW('ok', 0, 0, 0, '{}')::crm.points_answer;
        WHEN race = 'merge' AND who = 3 THEN RETURN crm.points_transfer(a, b, 'main', 'gave', 30, today);
        ELSE RETURN crm.points_redeem(b, 'main', 'mine', 20, today);
    END CASE;
END $$;

-- All sessions of a race are at the same round before any goes on.
CREATE PROCEDURE arrive(this text, nth int, who int, sessions int) LANGUAGE plpgsql AS $$
DECLARE
    looked int := 0;
BEGIN
    INSERT INTO arrived VALUES (this, nth, who);
    COMMIT;
    WHILE (SELECT count(*) FROM arrived a WHERE a.race = this AND a.round = nth) < sessions LOOP
        looked := looked + 1;
        PERFORM pg_sleep(0.0005) WHERE looked > 50;
        COMMIT;    -- to see who came meanwhile, in whatever isolation level
    END LOOP;
    COMMIT;
END $$;

CREATE PROCEDURE race(this text, who int, sessions int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
    answer crm.points_answer;
BEGIN
    FOR nth IN 1 .. rounds LOOP
        CALL arrive(this, nth, who, sessions);
        COMMIT;
        BEGIN
            answer := act(this, nth, who);
        EXCEPTION WHEN OTHERS THEN
            answer := ROW(SQLSTATE, 0, 0, 0, '{}')::crm.points_answer;
        END;
        INSERT INTO told VALUES (this, nth, who, answer.status, answer.available);
        COMMIT;
    END LOOP;
END $$;
SQL
$node->safe_psql('crm', "SELECT crm.define_points_redeem_rule('main'), crm.define_points_programme('promised', '预', 'Promised'), crm.define_points_programme('limited', '限', 'Limited'), crm.define_points_redeem_rule('limited', most_a_month => 1)");

my $told;    # rounds of the last race

# Runs a race; returns the statuses of each round, sorted and counted.
sub race
{
	my ($race, $sessions, $level) = @_;
	my $rounds = $told = $rounds{$race} // $rounds;
	$node->safe_psql('crm', "SELECT count(*) FROM (SELECT prepare('$race', n) FROM generate_series(1, $rounds) n) x");
	my @psql = map {
		IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('crm'),
			'-c', "SET default_transaction_isolation = '" . ($level // 'read committed') . "'", '-c', "CALL race('$race', $_, $sessions, $rounds)" ], '>', '/dev/null', '2>&1') } 1 .. $sessions;
	my $ended = grep { IPC::Run::finish($_) } @psql;
	is($ended, $sessions, "$race: all sessions come to the end");
	my %seen;
	$seen{$_}++ for split /\n/, $node->safe_psql('crm',
		"SELECT string_agg(status, ' ' ORDER BY status) FROM told WHERE race = '$race' GROUP BY round");
	note("$race: " . join ', ', map { "$_: $seen{$_}" } sort keys %seen);
	return \%seen;
}

sub only
{
	my ($name, $seen, @wanted) = @_;
	my %allowed = map { $_ => 1 } @wanted;
	my $total = 0;
	$total += $_ for values %$seen;
	is($total, $told, "$name: every round was told");
	is_deeply([ grep { !$allowed{$_} } sort keys %$seen ], [], $name);
}

sub value { return $node->safe_psql('crm', $_[0]) }
sub total { my ($race) = @_; my $rounds = $rounds{$race} // $rounds; return value("SELECT DISTINCT sum(crm.points_total(state)) FROM crm_data.points_account a, (SELECT n, who('$race', n, 1) AS a, who('$race', n, 2) AS b FROM generate_series(1, $rounds) n) r WHERE a.customer_code IN (r.a, r.b) GROUP BY r.n") }

only('of two redemptions of the whole balance one goes through', race('whole', 2), 'KH008 ok');
only('of eight, too', race('whole eight', 8), join ' ', ('KH008') x 7, 'ok');
only('REPEATABLE READ: one, and the other is told to try again', race('whole repeatable', 2, 'repeatable read'), '40001 ok', 'KH008 ok');
# In SERIALIZABLE an error may come as late as the commit, so each round is a transaction of psql's.
sub race_in_transactions
{
	my ($sessions, $level, $times) = @_;
	my $race = "whole $level $sessions";
	$node->safe_psql('crm', "SELECT count(*) FROM (SELECT prepare('$race', n) FROM generate_series(1, $times) n) x");
	my (@psql, @error);
	for my $who (1 .. $sessions) {
		append_to_file(my $script = $node->basedir . "/$race.$who", "\\set VERBOSITY sqlstate\n" . join '', map {
			"CALL arrive('$race', $_, $who, $sessions);\nBEGIN ISOLATION LEVEL $level; SELECT act('$race', $_, $who); COMMIT;\n" } 1 .. $times);
		push @psql, IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm') ], '<', $script, '>', '/dev/null', '2>', \$error[ $who - 1 ]);
	}
	IPC::Run::finish($_) for @psql;
	is(value("SELECT count(*), count(DISTINCT customer_code::text) FROM crm_data.points_journal WHERE kind = 'redeem' AND customer_code IN (SELECT who('$race', n, 1) FROM generate_series(1, $times) n)"),
		"$times|$times", "$level, $sessions sessions: one goes through in every round");
	my %refused;
	$refused{$_}++ for join('', @error) =~ /ERROR:  (\w+)/g;
	my $allowed = $level eq 'READ COMMITTED' ? qr/^KH008$/ : qr/^(?:KH008|40001)$/;
	is_deeply([ grep { $_ !~ $allowed } sort keys %refused ], [], 'and the others are told that there is not enough, or to try again');
	my $refused = 0;
	$refused += $_ for values %refused;
	is($refused, ($sessions - 1) * $times, 'each of them');
}
race_in_transactions(2, 'SERIALIZABLE', $rounds);
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE') {
	race_in_transactions($_, $level, int($rounds / 4)) for 4, 8;
}
only('two reversals of one give back once', race('reversal', 2), 'KHP01 ok');
is(value("SELECT count(*) FROM crm_data.points_account WHERE customer_code IN (SELECT who('reversal', n, 1) FROM generate_series(1, $rounds{reversal}) n) AND state = '{100\@2028-12-31}'"), $rounds{reversal}, 'exactly what was taken');
only('eight reversals, too', race('reversal eight', 8), join ' ', ('KHP01') x 7, 'ok');
only('a hold is captured or released', race('hold', 2), 'KHP01 ok');
only('a capture and the reversal of another both go through', race('hold and reverse', 2), 'ok ok');
is(total('hold and reverse'), 180, 'and come to the same');
only('one request from eight sessions is posted once', race('same', 8), join ' ', 'ok', ('replay') x 7);
is(total('same'), 10, 'with one effect');
only('the first postings of eight sessions open an account once', race('first', 8), join ' ', ('ok') x 8);
is(total('first'), 80, 'and all count');
only('a redemption against the expiry run: before it or not at all', race('expire', 2), 'ok ok', 'KH008 ok');
is(value("SELECT count(*) FROM told t JOIN crm_data.points_account a ON a.customer_code = who('expire', t.round, 1) WHERE t.race = 'expire' AND t.who = 1 AND a.state <> '{}' AND t.status <> 'ok'"), 0, 'what was not redeemed has ended');
only('transfers against one another wait in no circle', race('to and fro', 8), join ' ', ('ok') x 8);
is(total('to and fro'), 200, 'and lose nothing');
only('three cups go to three of eight', race('stock', 8), join ' ', ('KHP06') x 5, ('ok') x 3);
is(value("SELECT DISTINCT stock FROM crm_data.points_reward"), 0, 'and stock ends at nothing');
only('a budget of 100 gives 40 twice', race('budget', 8), join ' ', ('KHP06') x 6, ('ok') x 2);
is(value("SELECT DISTINCT spent FROM crm_data.points_gift_batch"), 80, 'and not more');
only('once a month is once, for eight sessions too', race('limit', 8), join ' ', ('KHP07') x 7, 'ok');
only('a promise that eight sessions make is one', race('promise', 8), join ' ', 'ok', ('replay') x 7);
is(total('promise'), 10, 'and holds what it says');
only('it comes or is cancelled', race('due', 2), 'KHP01 ok', 'ok ok');
is(value("SELECT count(*) FROM told t JOIN crm_data.points_account a ON a.customer_code = who('due', t.round, 1) WHERE t.race = 'due' AND t.who = 1 AND (t.status = 'ok') <> (a.state = '{}')"), 0, 'one of both');
only('an element that two sessions deliver at once is there once', race('element', 2), 'known ok');
my @accrual = map { IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('crm'), '-c', q{CALL crm.points_accrue('main', '2026-05-01', '2026-06-05', 7)} ], '>', '/dev/null', '2>&1') } 1, 2;
is(scalar(grep { IPC::Run::finish($_) } @accrual), 2, 'two accruals of one month at once come to the end');
is(total('element'), 12, 'and each element gave once');
my $merges = race('merge', 4);
is_deeply([ grep { /40P01|XX|22|23/ } keys %$merges ], [], 'merges to and fro, a transfer and a redemption between: nobody waits in a circle');
# Moves that crossed leave lots at a merged code: following them comes to an end, also in a circle.
$node->safe_psql('crm', q{SET statement_timeout = '60s'; CALL crm.points_merge_follow('2026-03-02')});
is(value('SELECT * FROM crm.points_audit()'), '', 'the books are in balance after all races');

# -- the accrual, killed ----------------------------------------------------------------------

$node->safe_psql('crm', q{SELECT crm.define_points_rule('main', 'tenth', '2026-01-01', 'bill', 'tenure', 'amount * 0.1', rounding => 'carry', cap_month => 30)});
$node->safe_psql('crm', q{SELECT count(*) FROM (SELECT crm.record_points_element(crm.customer_code('2026-12-01', 1 + n % 300), 'bill', 'b' || n, '2026-11-01'::date + n % 30, 5 + n % 97 + 0.37)
	FROM generate_series(1, 3000) n) x});
for my $kill (1 .. 4) {
	my $run = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm'), '-c', q{SET application_name = 'accrual'}, '-c', q{CALL crm.points_accrue('main', '2026-11-01', '2026-12-05', 5)} ], '>', '/dev/null', '2>&1');
	my $before = value('SELECT count(*) FROM crm_data.points_earning');
	# In the middle: something was committed, something was not.
	$node->poll_query_until('crm', "SELECT count(*) > $before FROM crm_data.points_earning");
	$node->safe_psql('crm', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'accrual'});
	IPC::Run::finish($run);
}
$node->safe_psql('crm', q{CALL crm.points_accrue('main', '2026-11-01', '2026-12-05', 100)});
is(value(q{SELECT count(*) FROM crm_data.points_earning WHERE rule = 'consumption' AND source ~ '^b'}), 3000, 'an accrual that was killed four times has taken every bill');
is(value(q{SELECT sum(amount) FROM crm_data.points_journal WHERE request_id ~ '^accrual:consumption:bill:b'}), value(q{SELECT sum(floor(amount)) FROM crm_data.points_element WHERE source ~ '^b'}), 'and given each yuan once');
is(value(q{SELECT max(sum) FROM (SELECT sum(points) FROM crm_data.points_earning WHERE rule = 'tenth' GROUP BY customer_code) x}), 30, 'within the caps');
is(value('SELECT * FROM crm.points_audit()'), '', 'and the books are in balance');

$node->stop;
done_testing();
