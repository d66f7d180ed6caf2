# Proves: when the server dies, stopped at once, by kill -9 of one of its sessions or of itself,
# twenty times (CRM_POINTS_ROUNDS), while eight sessions redeem, freeze,
# transfer and reverse on a few accounts, every posting that was acknowledged is there exactly
# once, none is there in part, a repeated request changes nothing, and the books are in balance;
# also after dump and restore. Accounts that eight sessions open at once are opened once.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $rounds = $ENV{CRM_POINTS_ROUNDS} // 20;
my $node = server('race', conf => [ 'wal_level = replica', 'max_prepared_transactions = 4', 'restart_after_crash = on' ]);
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', <<'SQL');
CREATE TABLE acknowledged (request_id text PRIMARY KEY);
CREATE PROCEDURE post(who int, n int, round int) LANGUAGE plpgsql AS $$
DECLARE
    a crm.customer_code := crm.customer_code('2026-01-01', 1 + n % 5);
    b crm.customer_code := crm.customer_code('2026-01-01', 1 + (n * 7 + 1) % 5);
    id text := format('%s %s %s', round, who, n);
BEGIN
    CASE n % 6
        WHEN 0, 1 THEN PERFORM crm.points_earn(a, 'main', id, 10, '2026-12-31', business_date => '2026-01-02');
        WHEN 2 THEN PERFORM crm.points_redeem(a, 'main', id, 7, '2026-01-02');
        WHEN 3 THEN PERFORM crm.points_transfer(a, b, 'main', id, 3, '2026-01-02');
        WHEN 4 THEN PERFORM crm.points_freeze(a, 'main', id, 2, '2026-01-02');
        ELSE PERFORM crm.points_unfreeze(a, 'main', id, format('%s %s %s', round, who, n - 25), business_date => '2026-01-02');
    END CASE;
EXCEPTION WHEN SQLSTATE 'KH008' OR SQLSTATE 'P0002' OR SQLSTATE 'KHP05' OR SQLSTATE 'KHP01' THEN NULL;
END $$;
SQL

sub audit { return $node->safe_psql('crm', 'SELECT * FROM crm.points_audit()') }

# Three deaths in turn. Sessions of a server that was killed find out by and by, and hold
# its memory until then.
sub die_somehow
{
	my ($round) = @_;
	my $death = (qw(stop session server))[ $round % 3 ];
	my @pids = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() ORDER BY coalesce(datname = $$crm$$, false), random()');
	$node->stop('immediate') if $death eq 'stop';
	kill 'KILL', $pids[-1] if $death eq 'session';
	if ($death eq 'server') {
		$node->kill9;
		for (1 .. 300) {
			last unless grep { kill 0, $_ } @pids;
			select undef, undef, undef, 0.1;
		}
	}
	return $death;
}

sub live_again
{
	my ($death) = @_;
	# It recovers by itself; while it does, whoever connects is sent away.
	if ($death eq 'session') {
		for (1 .. 300) {
			return if $node->psql('postgres', 'SELECT 1') == 0;
			select undef, undef, undef, 0.2;
		}
		die "the server does not recover\n";
	}
	return $node->start;
}

# Until some hundreds of postings are acknowledged; then at any moment.
sub wait_for_load
{
	my (@files) = @_;
	for (1 .. 1200) {
		my $bytes = 0;
		$bytes += -s $_ // 0 for @files;
		last if $bytes > 4000;
		select undef, undef, undef, 0.05;
	}
	select undef, undef, undef, rand 0.3;
	return;
}

for my $round (1 .. $rounds) {
	my (@session, @out);
	for my $who (1 .. 8) {
		# Files, not pipes: they work while we sleep, and outlive the server.
		$out[$who] = $node->basedir . "/out.$who";
		unlink $out[$who];
		append_to_file(my $script = $node->basedir . "/in.$round.$who", join '', map { "CALL post($who, $_, $round);\n\\echo done $_\n" } 1 .. 5000);
		$session[$who] = IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('crm') ], '<', $script, '>', $out[$who], '2>', '/dev/null');
	}
	wait_for_load(@out[ 1 .. 8 ]);
	my $death = die_somehow($round);
	IPC::Run::finish($_) for @session[ 1 .. 8 ];
	live_again($death);
	my (@lost, $acknowledged);
	for my $who (1 .. 8) {
		my @done = slurp_file($out[$who]) =~ /^done (\d+)$/mg;
		$acknowledged += @done;
		# Earnings are never refused here, so each must be there.
		my $earned = join ',', map { "'$round $who $_'" } grep { $_ % 6 < 2 } @done;
		next unless $earned;
		my $wanted = () = $earned =~ /,/g;
		my $found = $node->safe_psql('crm', "SELECT count(*) FROM crm_data.points_journal WHERE request_id IN ($earned)");
		push @lost, "session $who: $found of " . ($wanted + 1) if $found != $wanted + 1;
	}
	cmp_ok($acknowledged, '>', 100, "round $round, death of a $death: there was a load ($acknowledged)");
	is("@lost", '', "round $round: every acknowledged posting is there once");
	is(audit(), '', "round $round: the books are in balance");
}

my $before = $node->safe_psql('crm', q{SELECT sum(seq), string_agg(state::text, ' ' ORDER BY customer_code) FROM crm_data.points_account});
$node->safe_psql('crm', "CALL post(1, 6, 1)");
is($node->safe_psql('crm', q{SELECT sum(seq), string_agg(state::text, ' ' ORDER BY customer_code) FROM crm_data.points_account}), $before, 'a repeated request changes nothing');

# The first posting of an account from eight sessions, the same request among them.
append_to_file(my $script = $node->basedir . '/first', join '', map { sprintf "SELECT (crm.points_earn('CUST20260201%04d', 'main', 'first', 1, business_date => '2026-02-01')).status;\n", $_ } 1 .. 200);
my @first = map { IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm') ], '<', $script, '>', '/dev/null') } 1 .. 8;
IPC::Run::finish($_) for @first;
is($node->safe_psql('crm', "SELECT count(*), sum(seq), sum(crm.available(state, '2026-02-01')) FROM crm_data.points_account WHERE crm.code_day(customer_code) = '2026-02-01'"),
	'200|200|200', 'eight sessions open each account once and post the same request once');

# Two-phase commit.
$node->safe_psql('crm', "BEGIN; SELECT crm.points_earn('CUST202602010001', 'main', 'prepared', 5); PREPARE TRANSACTION 'points'");
$node->stop('immediate');
$node->start;
$node->safe_psql('crm', "COMMIT PREPARED 'points'");
is($node->safe_psql('crm', "SELECT count(*) FROM crm_data.points_journal WHERE request_id = 'prepared'"), 1, 'a prepared posting survives a crash');

# Dump and restore, then go on.
my $dump = $node->basedir . '/points.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('crm') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('again'), $dump ], 'restore');
my $picture = 'SELECT md5(string_agg(a::text, chr(10) ORDER BY a::text)) FROM (SELECT customer_code::text, programme, state::text, seq, chain, next_due FROM crm_data.points_account) a';
is($node->safe_psql('again', $picture), $node->safe_psql('crm', $picture), 'the restored accounts are the same');
is($node->safe_psql('again', "SELECT (crm.points_earn('CUST202602010001', 'main', 'after', 5)).status"), 'ok', 'and are posted on');
is($node->safe_psql('again', 'SELECT * FROM crm.points_audit()'), '', 'with books in balance');

$node->stop;
done_testing();
