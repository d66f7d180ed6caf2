package Sample::Plan;

# Plan: which lines are spoiled or repeated, and what is to be expected of them.
use strict;
use warnings;

use Exporter 'import';

use Sample::Customer;
use Sample::Fault;
use Sample::Random;
use Sample::Repeat;

our @EXPORT = qw(plan_clean planned_customer is_rejected);

# In ten thousandths of the lines.
use constant {
	PLAN           => 6,
	REJECTED_SHARE => 200,
	REPEATED_SHARE => 150,
};

my $clean = 0;

sub plan_clean
{
	($clean) = @_;
	return;
}

sub plan_of
{
	my ($line) = @_;
	return 'ok' if $clean;
	my $share = fingerprint(PLAN, $line) % 10_000;
	return 'rejected' if $share < REJECTED_SHARE;
	return 'duplicate' if $share < REJECTED_SHARE + REPEATED_SHARE;
	return 'ok';
}

sub is_plain    { return plan_of($_[0]) eq 'ok' }
sub is_rejected { return plan_of($_[0]) eq 'rejected' }

sub rejected_customer
{
	my ($line) = @_;
	my $customer = base_customer($line);
	my @reasons = plant_faults($customer, $line);
	return ($customer, 'rejected', join(';', @reasons), '');
}

sub duplicate_customer
{
	my ($line) = @_;
	my $customer = find_original($line, \&is_plain);
	return (base_customer($line), 'ok', '', '') unless $customer;
	my $original = $customer->{line};
	my @reasons = repeat_customer($customer, $line);
	return ($customer, 'duplicate', join(';', @reasons), $original);
}

# The customer of a line, what is expected of it, the reasons, and the line
# that it repeats.
sub planned_customer
{
	my ($line) = @_;
	my $plan = plan_of($line);
	return rejected_customer($line) if $plan eq 'rejected';
	return duplicate_customer($line) if $plan eq 'duplicate';
	return (base_customer($line), 'ok', '', '');
}

1;
