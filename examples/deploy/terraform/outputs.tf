output "postgres" {
  description = "For [store] postgres in lanyard.toml"
  value       = "postgres://${aws_db_instance.database.username}@${aws_db_instance.database.endpoint}/${aws_db_instance.database.db_name}"
}

output "password_secret_arn" {
  description = "Where the password is, for [store] password_file"
  value       = aws_secretsmanager_secret.password.arn
}
