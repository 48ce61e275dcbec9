output "host" {
  description = "Where the database is, for psql"
  value       = aws_db_instance.database.address
}

output "postgres" {
  description = "For [store] postgres in lanyard.toml, once ../database.sql was run"
  value       = "postgres://lanyard@${aws_db_instance.database.endpoint}/lanyard"
}

output "password_secret_arn" {
  description = "Where the password of the role lanyard is, for [store] password_file and ../database.sql"
  value       = aws_secretsmanager_secret.password.arn
}

output "master_secret_arn" {
  description = "Where Amazon keeps the password of the master user, who runs ../database.sql"
  value       = aws_db_instance.database.master_user_secret[0].secret_arn
}

output "authorities" {
  description = "For [store] authorities: who vouches for the database's certificate, whom no system trusts by itself"
  value       = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
}
