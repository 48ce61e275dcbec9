# A managed PostgreSQL for any number of replicas of Lanyard: in two zones, in TLS alone, encrypted, with backups to
# any moment. After a restore: lanyard restore --epoch-only (docs/backup.md).
#
# Lanyard serves as the role lanyard, which ../database.sql makes with the password below: README.md has the commands.
# The master user makes that role and is good for nothing else; Amazon makes its password, and changes it.

# neither the state nor a plan holds the password, and the secret is the only place that does
ephemeral "random_password" "role" {
  length  = 40
  special = false
}

resource "aws_secretsmanager_secret" "password" {
  name_prefix = "${var.name}-database-password-"
  description = "The password of the role that Lanyard serves as"
}

resource "aws_secretsmanager_secret_version" "password" {
  secret_id                = aws_secretsmanager_secret.password.id
  secret_string_wo         = ephemeral.random_password.role.result
  secret_string_wo_version = var.password_version
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-database-"
  description = "PostgreSQL of ${var.name}"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "replicas" {
  for_each = toset(var.replica_security_group_ids)

  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = each.value
  description                  = "A replica"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_subnet_group" "database" {
  name_prefix = "${var.name}-"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "database" {
  name_prefix = "${var.name}-"
  family      = "postgres${split(".", var.engine_version)[0]}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # what was acknowledged is kept: docs/backup.md says why that matters after a failover
  parameter {
    name  = "synchronous_commit"
    value = "on"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "database" {
  identifier_prefix = "${var.name}-"
  engine            = "postgres"
  engine_version    = var.engine_version
  instance_class    = var.instance_class

  username                    = "postgres"
  manage_master_user_password = true

  multi_az               = true
  db_subnet_group_name   = aws_db_subnet_group.database.name
  vpc_security_group_ids = [aws_security_group.database.id]
  parameter_group_name   = aws_db_parameter_group.database.name
  publicly_accessible    = false

  allocated_storage     = var.storage_gb
  max_allocated_storage = var.storage_gb * 10
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.kms_key_id

  backup_retention_period         = var.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = true
  skip_final_snapshot             = false
  final_snapshot_identifier       = "${var.name}-last"
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
}
