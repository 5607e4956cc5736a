"""Who may report for the company's own side, without a key that lasts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import jsii
from aws_cdk import Aws, Duration, Names, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet._values import check_kind, check_name, is_known, seconds
from peakfleet_planner import SpecError
from peakfleet_planner.codec import check_within

_PEM: Final = re.compile(r"\s*-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\s*", re.DOTALL)
_MOST_PEM_CHARACTERS: Final = 204_800
_NAME_CHARACTERS: Final = 255
_LEAST_SESSION_SECONDS, _MOST_SESSION_SECONDS = 900, 43_200
_HOUR = Duration.hours(1)
_SERVICE: Final = "rolesanywhere.amazonaws.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterTrust:
    """What proves that a reporter is the company's.

    Use `certificates`, `anchor` or `managed_nodes`.

    Args:
        pem: Certificates of an authority.
        anchor_arn: A trust anchor that exists.
    """

    pem: str | None = None
    anchor_arn: str | None = None

    @classmethod
    def certificates(cls, pem: str) -> ReporterTrust:
        """Trust what an authority of your own signs; a trust anchor is defined for it.

        Args:
            pem: The authority's certificates, not its key. AWS Private CA is not used: it costs
                $50 to $400 a month.

        Raises:
            SpecError: It is no PEM text of certificates, or holds a key.
        """
        if not is_known(pem):
            return cls(pem=pem)
        if "PRIVATE KEY" in pem:
            raise SpecError("reporter trust: a certificate is needed, got a private key")
        if not _PEM.fullmatch(pem) or len(pem) > _MOST_PEM_CHARACTERS:
            raise SpecError(
                f"reporter trust: pem must be certificates in PEM form of at most "
                f"{_MOST_PEM_CHARACTERS} characters, got {pem[:40]!r}"
            )
        return cls(pem=pem)

    @classmethod
    def anchor(cls, trust_anchor_arn: str) -> ReporterTrust:
        """Trust an anchor that exists, such as that of another site."""
        return cls(anchor_arn=trust_anchor_arn)

    @classmethod
    def managed_nodes(cls) -> ReporterTrust:
        """Trust hosts that a hybrid activation of AWS Systems Manager has made managed nodes.

        CloudFormation has no activation: `aws ssm create-activation --iam-role ROLE` makes one.
        The agent needs what `AmazonSSMManagedInstanceCore` allows, and can run commands on the
        host: take it where the hosts are managed nodes already.
        """
        return cls()


@jsii.implements(iam.IGrantable)
class ReporterIdentity(Construct):
    """What `peakfleet report-baseline` runs as on the company's hosts.

    Defines a role that may put metrics into one namespace and nothing else, and how a host gets
    it: with IAM Roles Anywhere a trust anchor and a profile, whose session policy says the same
    once more. AWS's own `aws_signing_helper` turns a certificate into a session; docs/hybrid.md
    says how to set it up, what a stolen certificate can do, and how to revoke it.

    Args:
        site: Of which site. A certificate must have it as its common name.
        namespace: Where it may publish; one for each site, and for nothing else.
        trust: What proves that a reporter is the company's.
        session_duration: How long a session lasts, 15 minutes to 12 hours: so long a stolen one
            may be used after its certificate was revoked. Default: an hour.
        alarm_topic: Told 45 days before a certificate of any anchor of the account expires.
            Default: nobody. A topic with a key of its own must let EventBridge use it.

    Raises:
        SpecError: A value is out of range.

    Limitations:
        CloudWatch knows no narrower permission than a namespace: whoever has the role may publish
        any number in it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        site: str,
        namespace: str,
        trust: ReporterTrust,
        session_duration: Duration = _HOUR,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        owner = f"reporter identity '{self.node.path}'"
        check_name(owner, site)
        check_kind(owner, "trust", trust, ReporterTrust)
        if is_known(namespace) and (not namespace.strip() or namespace.startswith("AWS/")):
            raise SpecError(
                f"{owner}: namespace must be one of your own, such as OnPrem/live/fra, "
                f"got {namespace!r}"
            )
        duration = seconds(owner, "session_duration", session_duration)
        check_within(
            owner, "session_duration", duration, _LEAST_SESSION_SECONDS, _MOST_SESSION_SECONDS
        )
        self._namespace = namespace
        self._anchor_arn = trust.anchor_arn
        if trust.pem is not None:
            self._anchor_arn = self._define_anchor(trust.pem).attr_trust_anchor_arn
        self._role = self._define_role(site)
        self.grant_report(self._role)
        self._profile: rolesanywhere.CfnProfile | None = None
        if self._anchor_arn is not None:
            self._profile = self._define_profile(duration)
            if alarm_topic is not None:
                self._tell_of_expiry(alarm_topic)

    @property
    def role(self) -> iam.Role:
        """What a reporter gets: the `role-arn` of the helper."""
        return self._role

    @property
    def trust_anchor_arn(self) -> str | None:
        """The `trust-anchor-arn` of the helper; None for managed nodes."""
        return self._anchor_arn

    @property
    def profile_arn(self) -> str | None:
        """The `profile-arn` of the helper; None for managed nodes."""
        return self._profile.attr_profile_arn if self._profile else None

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """What a reporter runs as."""
        return self._role.grant_principal

    def grant_report(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let another role report for the site, such as one that its hosts have already."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["cloudwatch:PutMetricData"],
            resource_arns=["*"],  # PutMetricData knows no resources, only namespaces
            conditions={"StringEquals": {"cloudwatch:namespace": self._namespace}},
        )

    def _define_anchor(self, pem: str) -> rolesanywhere.CfnTrustAnchor:
        return rolesanywhere.CfnTrustAnchor(
            self,
            "Anchor",
            name=self._unique_name(),
            enabled=True,
            source=rolesanywhere.CfnTrustAnchor.SourceProperty(
                source_type="CERTIFICATE_BUNDLE",
                source_data=rolesanywhere.CfnTrustAnchor.SourceDataProperty(
                    x509_certificate_data=pem
                ),
            ),
        )

    def _define_role(self, site: str) -> iam.Role:
        description = f"Reports the healthy units of the site {site}"
        if self._anchor_arn is None:
            nodes = Stack.of(self).format_arn(service="ssm", resource="*")
            return iam.Role(
                self,
                "Role",
                description=description,
                assumed_by=iam.ServicePrincipal(
                    "ssm.amazonaws.com",
                    conditions={
                        "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                        "ArnEquals": {"aws:SourceArn": nodes},
                    },
                ),
                managed_policies=[
                    iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")
                ],
            )
        # Without the anchor's ARN a certificate of any anchor in the account would do.
        by_certificate = {
            "ArnEquals": {"aws:SourceArn": self._anchor_arn},
            "StringEquals": {"aws:PrincipalTag/x509Subject/CN": site},
        }
        role = iam.Role(
            self,
            "Role",
            description=description,
            assumed_by=iam.ServicePrincipal(_SERVICE, conditions=by_certificate),
        )
        if role.assume_role_policy is not None:
            role.assume_role_policy.add_statements(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(_SERVICE)],
                    actions=["sts:TagSession", "sts:SetSourceIdentity"],
                    conditions=by_certificate,
                )
            )
        return role

    def _define_profile(self, duration_seconds: float) -> rolesanywhere.CfnProfile:
        statement = {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": self._namespace}},
        }
        return rolesanywhere.CfnProfile(
            self,
            "Profile",
            name=self._unique_name(),
            enabled=True,
            role_arns=[self._role.role_arn],
            duration_seconds=duration_seconds,
            session_policy=Stack.of(self).to_json_string(
                {"Version": "2012-10-17", "Statement": [statement]}
            ),
        )

    def _tell_of_expiry(self, topic: sns.ITopic) -> None:
        rule = events.Rule(
            self,
            "Expiry",
            description="A certificate of the company's reporters expires soon",
            event_pattern=events.EventPattern(
                source=["aws.rolesanywhere"],
                detail_type=["Roles Anywhere Certificate Expiration State Change"],
            ),
        )
        rule.add_target(targets.SnsTopic(topic))

    def _unique_name(self) -> str:
        return Names.unique_resource_name(self, max_length=_NAME_CHARACTERS, separator="-")
