# Proves: a run that is cancelled or whose session ends in the middle keeps the stages that it
# finished: the next run does none of them again and gives the clusters of a run that nobody
# stopped; changed records, settings or parameters make it begin anew.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $node = server('match_resume');
$node->start;
deploy($node, 'crm');
# Of 20,480 records the pairs are found in ten parts.
$node->safe_psql('crm', q{
	CREATE TABLE person (id int PRIMARY KEY, name text, phone text, born date);
	INSERT INTO person SELECT n, (ARRAY['王','李','张','刘','陈'])[1 + n % 5] || (ARRAY['伟','芳','娜','敏','静','丽','强'])[1 + n % 7] || (ARRAY['华','国','红'])[1 + n % 3],
		'138' || lpad((n::bigint * 7919 % 100000000)::text, 8, '0'), date '1940-01-01' + n % 25000 FROM generate_series(1, 16384) n;
	INSERT INTO person SELECT id + 1000000, name || '先生', '+86 ' || phone, born FROM person WHERE id % 4 = 0;
	SELECT match_model_create('person', 'person', match_settings_suggest('person'));
	SELECT match_model_create('whole', 'person', match_settings_suggest('person'));
	-- Stops whoever finishes the part that it waits for, by the signal that it is told.
	CREATE TABLE stop (stage text, part int, signal text);
	CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM CASE s.signal WHEN 'cancel' THEN pg_cancel_backend(pg_backend_pid()) ELSE pg_terminate_backend(pg_backend_pid()) END
		   FROM public.stop s WHERE s.stage = new.stage AND s.part = new.part;
		IF FOUND THEN PERFORM pg_sleep(60); END IF;
		RETURN new;
	END $$;
	CREATE TRIGGER stop BEFORE INSERT ON crm_data.match_stage FOR EACH ROW EXECUTE FUNCTION stop();
	GRANT SELECT ON stop TO PUBLIC;
	CREATE VIEW finished AS SELECT s.job_id, s.stage, s.part, s.finished_at, s.pairs
	  FROM crm_data.match_stage s JOIN crm_data.match_model m ON m.model_id = s.model_id WHERE m.name = 'person'});
$node->safe_psql('crm', q{CALL match_run('whole')});
my $picture = sub { $node->safe_psql('crm', qq{SELECT md5(string_agg(id || ' ' || cluster_id, ',' ORDER BY id COLLATE "C")) FROM match_clusters('$_[0]')}) };
my $pairs   = sub { $node->safe_psql('crm', qq{SELECT md5(string_agg(p::text, ',' ORDER BY p::text COLLATE "C")) FROM match_pairs('$_[0]') p}) };
my $whole   = $picture->('whole');
my $report  = q{SELECT string_agg(r::text, ',' ORDER BY r::text COLLATE "C") FROM count_comparisons_from_blocking_rule('%s') r};

sub stopped {
	my ($stage, $part, $signal) = @_;
	$node->safe_psql('crm', "TRUNCATE stop; INSERT INTO stop VALUES ('$stage', $part, '$signal')");
	my ($code, $out, $err) = $node->psql('crm', "CALL match_run('person')");
	isnt($code, 0, "$signal in part $part of stage $stage stops the run");
	$node->safe_psql('crm', 'TRUNCATE stop');
}
sub finished { $node->safe_psql('crm', 'SELECT string_agg(concat_ws(\' \', stage, part, job_id, finished_at), \',\' ORDER BY stage, part) FROM finished' . ($_[0] // '')) }

stopped('index', 0, 'cancel');
is(finished(), '', 'a stage that was not finished has left nothing');
stopped('pairs', 3, 'cancel');
my $first = finished();
is($node->safe_psql('crm', q{SELECT count(*) FROM finished WHERE stage = 'pairs'}), 3, 'three parts were finished, and the index');
stopped('pairs', 7, 'terminate');
is(finished(q{ WHERE stage = 'index' OR part < 3}), $first, 'the next run did none of them again');
my $second = finished();
is($node->safe_psql('crm', q{SELECT count(DISTINCT job_id) FROM finished}), 2, 'and finished four more');
$node->safe_psql('crm', q{CALL match_run('person')});
is(finished(q{ WHERE stage = 'index' OR part < 7}), $second, 'nor did the one after it');
is($node->safe_psql('crm', q{SELECT count(*) FROM finished WHERE stage = 'pairs'}), 10, 'which finished the rest');
is($picture->('person'), $whole, 'the clusters are those of a run that nobody stopped');
is($pairs->('person'), $pairs->('whole'), 'so are the pairs');
is($node->safe_psql('crm', sprintf $report, 'person'), $node->safe_psql('crm', sprintf $report, 'whole'), 'and the report of the rules');
is($node->safe_psql('crm', q{SELECT count(DISTINCT (model_id, run)) FROM crm_data.match_page}), 2, 'no page of another run is left');

# -- what a stage rests on has changed ------------------------------------------------------

stopped('pairs', 5, 'cancel');
my $stale = $node->safe_psql('crm', q{SELECT max(job_id) FROM finished});
$node->safe_psql('crm', q{UPDATE person SET phone = '13900000000' WHERE id = 7});
$node->safe_psql('crm', q{CALL match_run('person'); CALL match_run('whole')});
is($node->safe_psql('crm', "SELECT count(*) FROM finished WHERE job_id <= $stale"), 0, 'with other records nothing is taken up');
is($picture->('person'), $picture->('whole'), 'and the clusters are right');

stopped('pairs', 5, 'cancel');
$stale = $node->safe_psql('crm', q{SELECT max(job_id) FROM finished});
$node->safe_psql('crm', q{SELECT match_label('person', '4', '1000004', 'different')});
$node->safe_psql('crm', q{CALL match_run('person')});
is($node->safe_psql('crm', "SELECT count(*) FROM finished WHERE job_id <= $stale"), 6, 'a judgement of a person binds clusters, not pairs: index and five parts stay');
is($node->safe_psql('crm', q{SELECT count(DISTINCT cluster_id) FROM match_clusters('person') WHERE id IN ('4', '1000004')}), 2, 'and it binds');
$node->stop;
done_testing();
